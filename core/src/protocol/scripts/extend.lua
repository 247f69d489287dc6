-- Renews many leases; one that is gone or another's stays as it is.
-- KEYS 1 floor, then per lease: lock  fence
-- ARGV 1 '1' = set a missing key again (only a lease still valid may ask), then per lease:
--      token  ttl_ms  fencing token or '0'
-- -> per lease: 1 renewed | 0 no key | 2 held by another | 3 set again
-- A key is not set again where the counter says that somebody had the lock since: this came late.
local said = {}
for lease = 1, (#KEYS - 1) / 2 do
  local lock, fence = KEYS[2 * lease], KEYS[2 * lease + 1]
  local token, ttl_ms, fencing = ARGV[3 * lease - 1], ARGV[3 * lease], ARGV[3 * lease + 1]
  local value = redis.pcall('GET', lock)
  if value == token then
    redis.call('PEXPIRE', lock, ttl_ms)
    said[lease] = 1
  elseif value then
    said[lease] = 2
  elseif ARGV[1] == '1' and (fencing == '0' or number_at(fence) <= tonumber(fencing)) then
    redis.call('SET', lock, token, 'NX', 'PX', ttl_ms)
    said[lease] = 3
  else
    said[lease] = 0
  end
  if fencing ~= '0' then raise(fence, KEYS[1], tonumber(fencing)) end
end
return said
