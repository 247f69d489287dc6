-- Gives several locks back: deletes those keys that are still the caller's, and tells the first waiters.
-- KEYS 1 tombstone  n locks  q queues  q beats  fences, each once  last: spent mark
-- ARGV 1 token  2 fencing token or '0'  3 tombstone ms or '0'  4 '1' = wake waiters
--      5 spent mark ms or '0'  6 waiter to put back or ''  7 its score  8 its beat_ms  9 channels
--      10 token of the owner before, whose ticket is spent, or ''  11 n  12 q  13 the name whose queue it left, from 1
-- -> 1 all deleted | 0 some or all are not there | 2 some held by another
local n, q = tonumber(ARGV[11]), tonumber(ARGV[12])
local gone, free, done, other = {}, {}, 0, false
for lock = 1, n do
  local key = KEYS[1 + lock]
  local value = redis.call('GET', key)
  free[lock] = true
  if value == ARGV[1] then
    gone[#gone + 1] = key
    done = done + 1
  elseif value and value == ARGV[10] then
    -- Another adopter took its try back here; the ticket's work is done now, and so is its owner's.
    gone[#gone + 1] = key
  elseif value then
    free[lock], other = false, true
  end
end
if #gone > 0 then redis.call('DEL', unpack(gone)) end
-- An acquire was never answered and may still arrive, on a connection that lost this race.
if ARGV[3] ~= '0' then redis.call('SET', KEYS[1], '1', 'PX', ARGV[3]) end
if ARGV[2] ~= '0' then
  for fence = 2 + n + 2 * q, #KEYS - 1 do raise(KEYS[fence], tonumber(ARGV[2])) end
end
if ARGV[5] ~= '0' then redis.call('SET', KEYS[#KEYS], 'spent', 'PX', ARGV[5]) end
if ARGV[4] == '1' then
  local back = 0
  if ARGV[6] ~= '' then
    back = tonumber(ARGV[13])
    local queue, beats = KEYS[1 + n + back], KEYS[1 + n + q + back]
    redis.call('ZADD', queue, ARGV[7], ARGV[6])
    redis.call('ZADD', beats, text(micros() + ARGV[8] * 1000), ARGV[6])
    redis.call('PEXPIRE', queue, ARGV[8] + 1000)
    redis.call('PEXPIRE', beats, ARGV[8] + 1000)
  end
  for queue = 1, q do
    -- All slots of a semaphore have one queue.
    if queue ~= back and (q < n or free[queue]) then
      wake(KEYS[1 + n + queue], KEYS[1 + n + q + queue], ARGV[9])
    end
  end
end
if done == n then return 1 end
if other then return 2 end
return 0
