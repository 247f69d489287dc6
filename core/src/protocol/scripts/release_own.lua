-- The common case of release.lua, before the functions it does not need: the key is the caller's, the
-- counter is high enough, no acquire may come late, no ticket was used up and nobody waits.
if ARGV[3] == '0' and ARGV[5] == '0' and ARGV[6] == '' and redis.call('GET', KEYS[1]) == ARGV[1] then
  local high = ARGV[2] == '0'
  if not high then
    local counter = redis.pcall('ZSCORE', KEYS[2], 'token')
    high = type(counter) == 'string' and tonumber(counter) >= tonumber(ARGV[2])
  end
  if high and (ARGV[4] ~= '1' or redis.call('EXISTS', KEYS[3]) == 0) then
    redis.call('DEL', KEYS[1])
    return 1
  end
end

