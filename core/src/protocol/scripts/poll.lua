-- Stands in the queue, or beats there, and takes the lock on this node when first and free.
-- KEYS 1 lock  2 fence  3 queue  4 beats  5 tombstone
-- ARGV 1 token  2 ttl_ms  3 proposed token, '' = no fencing  4 waiter  5 beat_ms  6 old score or ''  7 channels
-- -> {1, token, score} granted | {2, token, score} already mine | {0, kind, remaining ms, place, score}
-- Its release came first, on another connection: neither a place nor the key is wanted any more.
if redis.call('GET', KEYS[5]) then return {0, 'buried', -1, -1, ''} end
local now = micros()
local queue, beats, waiter = KEYS[3], KEYS[4], ARGV[4]
local score = redis.call('ZSCORE', queue, waiter)
if not score then
  if ARGV[6] ~= '' then
    score = tonumber(ARGV[6])
  else
    local last = redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')[2]
    score = math.max(now, (tonumber(last) or 0) + 1)
  end
  redis.call('ZADD', queue, text(score), waiter)
end
score = text(tonumber(score))
redis.call('ZADD', beats, text(now + ARGV[5] * 1000), waiter)
redis.call('PEXPIRE', queue, ARGV[5] + 1000)
redis.call('PEXPIRE', beats, ARGV[5] + 1000)
local head = live_head(queue, beats, now)
local value = redis.call('GET', KEYS[1])
if value == ARGV[1] then
  -- An owner waits no more; left in the queue it would hold up the others after its release.
  redis.call('ZREM', queue, waiter)
  redis.call('ZREM', beats, waiter)
  if ARGV[3] == '' then return {2, '', score} end
  return {2, next_token(KEYS[2], ARGV[3]), score}
end
if value then return refusal(KEYS[1], value, redis.call('ZRANK', queue, waiter), score) end
if head ~= waiter then
  wake(queue, beats, ARGV[7])
  return {0, 'queued', -1, redis.call('ZRANK', queue, waiter) or -1, score}
end
-- The token first: a script that fails on the counter must not leave the key behind.
local token = ''
if ARGV[3] ~= '' then token = next_token(KEYS[2], ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
redis.call('ZREM', queue, waiter)
redis.call('ZREM', beats, waiter)
return {1, token, score}
