-- Stands in the queue of one of several names, or beats there, and takes all their locks on this node
-- when first there and all are free. It holds nothing while it waits, so that no two can block each other.
-- KEYS 1 tombstone  n locks  q queues  q beats  fences, each once
-- ARGV 1 token  2 ttl_ms  3 proposed token, '' = no fencing  4 waiter  5 beat_ms  6 old score or ''
--      7 channels  8 n  9 q  10 the name whose queue it is, from 1
-- -> {1, token, score} granted | {2, token, score} already mine | {0, kind, remaining ms, place, score, which name}
if redis.call('GET', KEYS[1]) then return {0, 'buried', -1, -1, '', 0} end
local n, q, at = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local queue, beats, waiter = KEYS[1 + n + at], KEYS[1 + n + q + at], ARGV[4]
local now = micros()
local score = stand(queue, beats, waiter, ARGV[5], ARGV[6], now)
local first = live_head(queue, beats, now) == waiter
local mine, taken, taken_by = 0, nil, nil
for lock = 1, n do
  local value = redis.call('GET', KEYS[1 + lock])
  if value == ARGV[1] then
    mine = mine + 1
  elseif value and (not taken or lock == at) then
    taken, taken_by = lock, value
  end
end
local function rank() return redis.call('ZRANK', queue, waiter) or -1 end
if mine < n then
  if taken and (first or taken == at) then
    local refused = refusal(KEYS[1 + taken], taken_by, rank(), score)
    refused[6] = taken - 1
    return refused
  end
  if not first then
    wake(queue, beats, ARGV[7])
    return {0, 'queued', -1, rank(), score, at - 1}
  end
end
-- The token first: a script that fails on a counter must not leave keys behind.
local token = ''
if ARGV[3] ~= '' then token = next_tokens({unpack(KEYS, 2 + n + 2 * q)}, ARGV[3]) end
sit_out(queue, beats, waiter)
if mine == n then return {2, token, score} end
for lock = 1, n do redis.call('SET', KEYS[1 + lock], ARGV[1], 'PX', ARGV[2]) end
return {1, token, score}
