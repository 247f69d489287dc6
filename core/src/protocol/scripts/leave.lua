-- Leaves the queue; if the lock is free, the next waiter is told.
-- KEYS 1 lock  2 queue  3 beats
-- ARGV 1 waiter  2 channels
-- -> 1 was there | 0 was not
local gone = redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then wake(KEYS[2], KEYS[3], ARGV[2]) end
return gone
