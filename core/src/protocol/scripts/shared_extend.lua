-- Renews many places; one that is gone or another's stays as it is.
-- KEYS per lease: seat  readers  operations  fence; to set a missing place again, last: spent mark
-- ARGV per lease: token  mode  operation  ttl_ms  fencing token or '0'
-- -> per lease: 1 renewed | 0 no place, or a weaker one | 2 another's, or heard of newer | 3 set again
local said, fills_in = {}, false
if #KEYS % 4 == 1 then fills_in = not redis.pcall('GET', KEYS[#KEYS]) end
for lease = 1, math.floor(#KEYS / 4) do
  local key, word = 4 * lease - 4, 5 * lease - 5
  seat, readers, operations = KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  local token, mode, op, ttl_ms = ARGV[word + 1], ARGV[word + 2], tonumber(ARGV[word + 3]), ARGV[word + 4]
  bury_readers()
  local mine, done = standing(token)
  if mine and done > op then
    said[lease] = 2
  elseif mine and rank[mine] < rank[mode] then
    -- It missed the upgrade: what it has stays, and is no vote for more.
    place(token, mine, done, ttl_ms)
    said[lease] = 0
  elseif mine then
    -- It may have missed that the owner became weaker.
    place(token, mode, op, ttl_ms)
    said[lease] = 1
  elseif not fills_in then
    said[lease] = 0
  else
    local taken = sitting()
    local others = mode == 'w' and redis.call('ZCARD', readers) > 0
    if others or taken and (mode ~= 'r' or taken == 'w') then
      said[lease] = 2
    else
      place(token, mode, op, ttl_ms)
      said[lease] = 3
    end
  end
  if ARGV[word + 5] ~= '0' then raise(KEYS[key + 4], tonumber(ARGV[word + 5])) end
end
return said
