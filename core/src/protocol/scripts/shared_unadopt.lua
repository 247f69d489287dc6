-- Takes back an adoption that found no majority: the old owner stands again, its time unchanged.
-- Where the ticket's work is done meanwhile, nobody does.
-- KEYS 8 tombstone of the new owner  9 spent mark
-- ARGV 1 old token  2 new token  3 tombstone ms or '0'
-- -> 1 swapped back or dropped | 0 no place
-- An adopt may still arrive late, also where another copy of it was run.
if ARGV[3] ~= '0' then redis.call('SET', KEYS[8], '1', 'PX', ARGV[3]) end
bury_readers()
local mine, done = standing(ARGV[2])
if not mine then return 0 end
local left = left_ms(ARGV[2], mine)
drop(ARGV[2])
if redis.call('GET', KEYS[9]) ~= 'spent' then place(ARGV[1], mine, done, left) end
return 1
