-- Makes an owner weaker, in the time it has left: a writer reads on, or an upgrade is taken back.
-- ARGV 1 token  2 mode  3 operation  4 '1' = an upgrade is taken back  5 '1' = tell waiters  6 channels
-- -> 1 it is | 0 no place | 2 heard of newer, or weaker already
bury_readers()
local token, mode, op = ARGV[1], ARGV[2], tonumber(ARGV[3])
local mine, done = standing(token)
if not mine then return 0 end
if done > op or rank[mine] < rank[mode] then return 2 end
local left = left_ms(token, mine)
place(token, mode, op, left)
-- A try to become a writer was no writer's turn.
if ARGV[4] == '1' then redis.call('ZREM', operations, 'writing') end
local ended = turn_over()
if ARGV[5] == '1' then call_next(ended, ARGV[6]) end
return 1
