-- Stops waiting, and tells whoever stood behind.
-- ARGV 1 waiter  2 channels
-- -> 1 was there | 0 was not
bury_readers()
local queue = writer_queue
if kind_of(ARGV[1]) == 'r' then queue = reader_queue end
local gone = unstand(queue, ARGV[1])
call_next(turn_over(), ARGV[2])
return gone
