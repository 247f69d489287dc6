-- Renews many leases; one that is gone or another's stays as it is.
-- KEYS per lease: lock  fence; to set a missing key again, last: spent mark of the ticket to be
-- ARGV per lease: token  ttl_ms  fencing token or '0'
-- -> per lease: 1 renewed | 0 no key | 2 held by another | 3 set again
-- Only a lease still valid may ask for a missing key. It is not set again where the ticket was seen
-- already: then this came late, and another may have had the lock since.
local said, fills_in = {}, false
if #KEYS % 2 == 1 then fills_in = not redis.pcall('GET', KEYS[#KEYS]) end
for lease = 1, math.floor(#KEYS / 2) do
  local lock, fence = KEYS[2 * lease - 1], KEYS[2 * lease]
  local token, ttl_ms, fencing = ARGV[3 * lease - 2], ARGV[3 * lease - 1], ARGV[3 * lease]
  local value = redis.pcall('GET', lock)
  if value == token then
    redis.call('PEXPIRE', lock, ttl_ms)
    said[lease] = 1
  elseif value then
    said[lease] = 2
  elseif fills_in then
    redis.call('SET', lock, token, 'NX', 'PX', ttl_ms)
    said[lease] = 3
  else
    said[lease] = 0
  end
  if fencing ~= '0' then raise(fence, tonumber(fencing)) end
end
return said
