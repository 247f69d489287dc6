-- The common case of release_several.lua, before the functions it does not need: all keys are the
-- caller's, no counter is to be lifted, no acquire may come late, no ticket was used up and nobody waits.
local n, q = tonumber(ARGV[11]), tonumber(ARGV[12])
if ARGV[2] == '0' and ARGV[3] == '0' and ARGV[5] == '0' and ARGV[6] == '' then
  local values = redis.pcall('MGET', unpack(KEYS, 2, 1 + n))
  local all = not values.err
  for lock = 1, n do all = all and values[lock] == ARGV[1] end
  if all and (ARGV[4] ~= '1' or redis.call('EXISTS', unpack(KEYS, 2 + n, 1 + n + q)) == 0) then
    redis.call('DEL', unpack(KEYS, 2, 1 + n))
    return 1
  end
end

