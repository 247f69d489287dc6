-- Writes a fencing token back where the owner still stands as it says.
-- ARGV 1 token  2 mode  3 operation  4 fencing token  5 '1' = past the counter
-- -> the counter | '' where it does not
bury_readers()
local mine, done = standing(ARGV[1])
if mine ~= ARGV[2] or done ~= tonumber(ARGV[3]) then return '' end
if ARGV[5] == '1' then return next_token(fence, ARGV[4]) end
return text(raise(fence, tonumber(ARGV[4])))
