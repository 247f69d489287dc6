-- Takes the lock on this node if its key is free.
-- KEYS 1 lock  2 fence  3 floor  4 queue  5 beats  6 tombstone
-- ARGV 1 token  2 ttl_ms  3 proposed token, '' = no fencing  4 '1' = waiters in the queue go first
-- -> token granted, the common case as bare text | {1, token} granted | {2, token} already mine | {0, kind, remaining ms, place, score}
local value = redis.call('GET', KEYS[1])
if value == ARGV[1] then
  if ARGV[3] == '' then return {2, ''} end
  return {2, token_again(KEYS[2], KEYS[3], ARGV[3])}
end
if value then return refusal(KEYS[1], value) end
-- Its release came first, on another connection: taking the key now would leave it behind.
if redis.call('GET', KEYS[6]) then return {0, 'buried', -1, -1, ''} end
if ARGV[4] == '1' and redis.call('EXISTS', KEYS[4]) == 1 and live_head(KEYS[4], KEYS[5], micros()) then
  wake(KEYS[4], KEYS[5], KEYS[3])
  return {0, 'queued', -1, -1, ''}
end
-- The token first: a script that fails on the counter must not leave the key behind.
local token = ''
if ARGV[3] ~= '' then token = next_token(KEYS[2], KEYS[3], ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return {1, token}
