-- Gives the lock back where that is all there is to do, on servers without a command for it.
-- KEYS 1 lock
-- ARGV 1 token
-- -> 1 deleted | 0 no key, or held by another
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
