-- Takes back an adoption of several leases that found no majority; their time is unchanged.
-- Where the ticket's work is done meanwhile, nobody owns them.
-- KEYS 1 tombstone of the new owner  2 spent mark  locks
-- ARGV 1 old token  2 new token  3 tombstone ms or '0'
-- -> 1 all swapped back or deleted | 0 some or all are not there | 2 some held by another
local done, other = 0, false
-- An adopt may still arrive late, also where another copy of it was run.
if ARGV[3] ~= '0' then redis.call('SET', KEYS[1], '1', 'PX', ARGV[3]) end
local spent = redis.call('GET', KEYS[2]) == 'spent'
for lock = 3, #KEYS do
  local value = redis.call('GET', KEYS[lock])
  if value == ARGV[2] then
    done = done + 1
    if spent then
      redis.call('DEL', KEYS[lock])
    else
      redis.call('SET', KEYS[lock], ARGV[1], 'KEEPTTL')
    end
  elseif value then
    other = true
  end
end
if done == #KEYS - 2 then return 1 end
if other then return 2 end
return 0
