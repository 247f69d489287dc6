-- Takes a place in the lock: a reader with readers, an upgradeable with readers, a writer alone.
-- KEYS 8 tombstone
-- ARGV 1 token  2 mode  3 operation; behind the first it is an upgrade  4 ttl_ms
--      5 proposed token, '' = no fencing  6 '1' = whoever waits goes first
--      7 waiter that stands in the queue or ''  8 its beat_ms  9 its old score or ''  10 channels
-- -> {1, token, score} granted | {2, token, score} already mine | {0, kind, remaining ms, place, score}
local token, mode, op, waiter = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[7]
-- Its release came first, on another connection: neither a place nor the lock is wanted any more.
if redis.call('GET', KEYS[8]) then return {0, 'buried', -1, -1, ''} end
bury_readers()
local ended = turn_over()
local queue = writer_queue
if mode == 'r' then queue = reader_queue end
local mine, done = standing(token)
-- The owner has said something newer since.
if mine and done > op then return {0, 'buried', -1, -1, ''} end
if mine and done == op then
  if waiter ~= '' and op == 1 then unstand(queue, waiter) end
  if ARGV[5] == '' then return {2, '', ''} end
  return {2, next_token(fence, ARGV[5]), ''}
end
if not mine and op > 1 then return {0, 'missing', -1, -1, ''} end
local score = ''
if waiter ~= '' then score = stand(queue, waiter, ARGV[8], ARGV[9]) end

-- Who is inside.
local taken, _, sitter = sitting()
local held, left = false, -1
if taken and sitter ~= token and (mode ~= 'r' or taken == 'w') then
  held, left = true, redis.call('PTTL', seat)
end
if mode == 'w' then
  local last = redis.call('ZREVRANGE', readers, 0, 1)
  for _, reader in ipairs(last) do
    if reader ~= token then
      held, left = true, math.max(left, left_ms(reader, 'r'))
      break
    end
  end
end
if held then
  local before = -1
  if waiter ~= '' then
    before = redis.call('ZRANK', queue, waiter)
    -- Readers come in together.
    if mode == 'r' then before = 0 end
  end
  return {0, 'held', left, before, score}
end

-- Who goes first.
local first = true
if waiter ~= '' then
  if mode == 'r' then
    first = tonumber(score) <= turn() or not writer_waits()
  else
    first = live_head(writer_queue, beats, now) == waiter and (mode == 'u' or not reader_first())
  end
elseif ARGV[6] == '1' then
  if mode == 'r' then
    first = not writer_waits()
  else
    first = (op > 1 or not live_head(writer_queue, beats, now)) and (mode == 'u' or not reader_first())
  end
end
if not first then
  call_next(ended, ARGV[10])
  local before = -1
  if waiter ~= '' then before = math.max(1, redis.call('ZRANK', queue, waiter) or 1) end
  return {0, 'queued', -1, before, score}
end

-- The token first: a script that fails on the counter must not leave a place behind.
local granted = ''
if ARGV[5] ~= '' then granted = next_token(fence, ARGV[5]) end
place(token, mode, op, ARGV[4])
-- An upgrade stands until it leaves: taken back, it has no place to be put back to.
if waiter ~= '' and op == 1 then unstand(queue, waiter) end
if ended then call_next(true, ARGV[10]) end
return {1, granted, score}
