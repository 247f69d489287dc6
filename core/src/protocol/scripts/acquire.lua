-- Takes the lock on this node if its key is free.
-- KEYS 1 lock  2 fence  3 queue  4 beats  5 tombstone
-- ARGV 1 token  2 ttl_ms  3 proposed token, '' = no fencing  4 '1' = waiters in the queue go first  5 channels
-- -> token granted, the common case as bare text | {1, token} granted | {2, token} already mine | {0, kind, remaining ms, place, score}
local value = redis.call('GET', KEYS[1])
if value == ARGV[1] then
  -- Whether the key was counted when it was set is not known here, so it is counted now.
  if ARGV[3] == '' then return {2, ''} end
  return {2, next_token(KEYS[2], ARGV[3])}
end
if value then return refusal(KEYS[1], value) end
-- Its release came first, on another connection: taking the key now would leave it behind.
if redis.call('GET', KEYS[5]) then return {0, 'buried', -1, -1, ''} end
if ARGV[4] == '1' and redis.call('EXISTS', KEYS[3]) == 1 and live_head(KEYS[3], KEYS[4], micros()) then
  wake(KEYS[3], KEYS[4], ARGV[5])
  return {0, 'queued', -1, -1, ''}
end
-- The token first: a script that fails on the counter must not leave the key behind.
local token = ''
if ARGV[3] ~= '' then token = next_token(KEYS[2], ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return {1, token}
