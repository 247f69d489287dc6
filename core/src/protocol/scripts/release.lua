-- Gives the lock back: deletes its key if it is still the caller's, and tells the first waiter.
-- KEYS 1 lock  2 fence  3 queue  4 beats  5 tombstone  6 spent mark
-- ARGV 1 token  2 fencing token or '0'  3 tombstone ms or '0'  4 '1' = wake waiters
--      5 spent mark ms or '0'  6 waiter to put back or ''  7 its score  8 its beat_ms  9 channels
--      10 token of the owner before, whose ticket is spent, or ''
-- -> 1 deleted | 0 no key | 2 held by another
local value = redis.call('GET', KEYS[1])
local found = 2
if value == ARGV[1] then
  redis.call('DEL', KEYS[1])
  found = 1
elseif not value then
  found = 0
elseif value == ARGV[10] then
  -- Another adopter took its try back here; the ticket's work is done now, and so is its owner's.
  redis.call('DEL', KEYS[1])
  found = 0
end
-- An acquire was never answered and may still arrive, on a connection that lost this race; also where
-- the key is there, because it was asked for again on the next connection.
if ARGV[3] ~= '0' then redis.call('SET', KEYS[5], '1', 'PX', ARGV[3]) end
if ARGV[2] ~= '0' then raise(KEYS[2], tonumber(ARGV[2])) end
if ARGV[5] ~= '0' then redis.call('SET', KEYS[6], 'spent', 'PX', ARGV[5]) end
if ARGV[4] == '1' then
  if ARGV[6] ~= '' then
    redis.call('ZADD', KEYS[3], ARGV[7], ARGV[6])
    redis.call('ZADD', KEYS[4], text(micros() + ARGV[8] * 1000), ARGV[6])
    redis.call('PEXPIRE', KEYS[3], ARGV[8] + 1000)
    redis.call('PEXPIRE', KEYS[4], ARGV[8] + 1000)
  elseif found ~= 2 then
    wake(KEYS[3], KEYS[4], ARGV[9])
  end
end
return found
