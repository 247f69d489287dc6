-- Stands among the waiting writers and asks for nothing, so that no new reader comes in.
-- ARGV 1 waiter  2 beat_ms, 0 = does not intend to any more
-- -> 1 stood there before | 0 did not
if ARGV[2] == '0' then return unstand(writer_queue, ARGV[1]) end
local before = redis.call('ZSCORE', writer_queue, ARGV[1])
local first = ''
if kind_of(ARGV[1]) == 'x' then first = '0' end
stand(writer_queue, ARGV[1], ARGV[2], first)
if before then return 1 end
return 0
