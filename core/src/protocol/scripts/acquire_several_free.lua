-- The common case of acquire_several.lua, before the functions it does not need: all keys are free,
-- nobody waits, and every counter is below the proposal. Keys and arguments as there.
local n, q = tonumber(ARGV[6]), tonumber(ARGV[7])
local looked_at = 1 + n
if ARGV[4] == '1' then looked_at = looked_at + q end
if ARGV[8] == '1' and ARGV[3] ~= '0' and redis.call('EXISTS', unpack(KEYS, 1, looked_at)) == 0 then
  local counted = true
  if ARGV[3] ~= '' then
    local time = redis.call('TIME')
    counted = tonumber(ARGV[3]) <= (tonumber(time[1]) + 1) * 1000000 + tonumber(time[2])
    -- A counter that is lifted in vain skips numbers, no more.
    for fence = 2 + n + 2 * q, #KEYS do
      counted = counted and redis.call('ZADD', KEYS[fence], 'GT', 'CH', ARGV[3], 'token') == 1
    end
  end
  if counted then
    for lock = 2, 1 + n do redis.call('SET', KEYS[lock], ARGV[1], 'PX', ARGV[2]) end
    return ARGV[3]
  end
end

