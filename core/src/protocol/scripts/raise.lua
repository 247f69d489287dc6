-- Writes a fencing token back where the caller still owns the key.
-- KEYS 1 lock  2 fence  3 floor
-- ARGV 1 token  2 fencing token
-- -> the counter | '' where the key is not the caller's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return '' end
return text(raise(KEYS[2], KEYS[3], tonumber(ARGV[2])))
