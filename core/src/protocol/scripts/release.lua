-- Gives the lock back: deletes its key if it is still the caller's, and tells the first waiter.
-- KEYS 1 lock  2 fence  3 floor  4 queue  5 beats  6 tombstone  7 spent mark
-- ARGV 1 token  2 fencing token or '0'  3 tombstone ms or '0'  4 '1' = wake waiters
--      5 spent mark ms or '0'  6 waiter to put back or ''  7 its score  8 its beat_ms
-- -> 1 deleted | 0 no key | 2 held by another
local value = redis.call('GET', KEYS[1])
local found = 2
if value == ARGV[1] then
  redis.call('DEL', KEYS[1])
  found = 1
elseif not value then
  found = 0
end
-- An acquire was never answered and may still arrive, on a connection that lost this race; also where
-- the key is there, because it was asked for again on the next connection.
if ARGV[3] ~= '0' then redis.call('SET', KEYS[6], '1', 'PX', ARGV[3]) end
if ARGV[2] ~= '0' then raise(KEYS[2], KEYS[3], tonumber(ARGV[2])) end
if ARGV[5] ~= '0' then redis.call('SET', KEYS[7], '1', 'PX', ARGV[5]) end
if ARGV[4] == '1' then
  if ARGV[6] ~= '' then
    redis.call('ZADD', KEYS[4], ARGV[7], ARGV[6])
    redis.call('ZADD', KEYS[5], text(micros() + ARGV[8] * 1000), ARGV[6])
    redis.call('PEXPIRE', KEYS[4], ARGV[8] + 1000)
    redis.call('PEXPIRE', KEYS[5], ARGV[8] + 1000)
  elseif found ~= 2 then
    wake(KEYS[4], KEYS[5], KEYS[3])
  end
end
return found
