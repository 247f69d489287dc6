-- Gives a place in the lock back, and tells whoever is next.
-- KEYS 8 tombstone  9 spent mark
-- ARGV 1 token  2 mode  3 operation  4 fencing token or '0'  5 tombstone ms or '0'  6 '1' = tell waiters
--      7 waiter to put back or ''  8 its beat_ms  9 its score  10 spent mark ms or '0'
--      11 token of the owner before, whose ticket is spent, or ''  12 channels
-- -> 1 given back | 0 there was none
bury_readers()
local found = 0
if drop(ARGV[1]) then
  found = 1
elseif ARGV[11] ~= '' then
  -- Another adopter took its try back here; the ticket's work is done now, and so is its owner's.
  drop(ARGV[11])
end
if ARGV[5] ~= '0' then redis.call('SET', KEYS[8], '1', 'PX', ARGV[5]) end
if ARGV[4] ~= '0' then raise(fence, tonumber(ARGV[4])) end
if ARGV[10] ~= '0' then redis.call('SET', KEYS[9], 'spent', 'PX', ARGV[10]) end
if ARGV[7] ~= '' and ARGV[6] == '1' then
  -- It had the home and not the others: that was no writer's turn.
  if found == 1 then redis.call('ZREM', operations, 'writing') end
  local queue = writer_queue
  if ARGV[2] == 'r' then queue = reader_queue end
  redis.call('ZREM', queue, ARGV[7])
  stand(queue, ARGV[7], ARGV[8], ARGV[9])
else
  local ended = turn_over()
  if ARGV[6] == '1' then call_next(ended, ARGV[12]) end
end
return found
