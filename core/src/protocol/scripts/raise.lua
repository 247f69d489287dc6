-- Writes a fencing token back where the caller still owns the key.
-- KEYS 1 lock  2 fence
-- ARGV 1 token  2 fencing token  3 '1' = past the counter, for a key that was not counted yet
-- -> the counter | '' where the key is not the caller's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return '' end
if ARGV[3] == '1' then return next_token(KEYS[2], ARGV[2]) end
return text(raise(KEYS[2], tonumber(ARGV[2])))
