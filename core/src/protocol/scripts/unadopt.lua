-- Takes back an adoption that found no majority: the old owner stands again, its time unchanged.
-- Where the ticket's work is done meanwhile, nobody does.
-- KEYS 1 lock  2 tombstone of the new owner  3 spent mark
-- ARGV 1 old token  2 new token  3 tombstone ms or '0'
-- -> 1 swapped back or deleted | 0 no key | 2 held by another
local value = redis.call('GET', KEYS[1])
-- An adopt may still arrive late, also where another copy of it was run.
if ARGV[3] ~= '0' then redis.call('SET', KEYS[2], '1', 'PX', ARGV[3]) end
if value == ARGV[2] then
  if redis.call('GET', KEYS[3]) == 'spent' then
    redis.call('DEL', KEYS[1])
  else
    redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
  end
  return 1
end
if value then return 2 end
return 0
