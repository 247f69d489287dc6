-- Takes several locks on this node if all of them are free, or none.
-- KEYS 1 tombstone  n locks  q queues  q beats  fences, each once
-- ARGV 1 token  2 ttl_ms  3 proposed token, '' = no fencing  4 '1' = waiters in the queues go first  5 channels
--      6 n  7 q  8 '1' = EXISTS may be asked
-- -> token granted, the common case as bare text | {1, token} granted | {2, token} already mine
--    | {0, kind, remaining ms, place, score, which name}
local fences, mine = {unpack(KEYS, 2 + n + 2 * q)}, 0
for lock = 1, n do
  local value = redis.call('GET', KEYS[1 + lock])
  if value == ARGV[1] then
    mine = mine + 1
  elseif value then
    local refused = refusal(KEYS[1 + lock], value)
    refused[6] = lock - 1
    return refused
  end
end
local kind = 1
if mine == n then
  kind = 2
else
  -- Its release came first, on another connection: taking the keys now would leave them behind.
  if redis.call('GET', KEYS[1]) then return {0, 'buried', -1, -1, '', 0} end
  if ARGV[4] == '1' then
    for queue = 1, q do
      local waiters, beats = KEYS[1 + n + queue], KEYS[1 + n + q + queue]
      if redis.call('EXISTS', waiters) == 1 and live_head(waiters, beats, micros()) then
        wake(waiters, beats, ARGV[5])
        return {0, 'queued', -1, -1, '', queue - 1}
      end
    end
  end
end
-- The token first: a script that fails on a counter must not leave keys behind.
local token = ''
if ARGV[3] ~= '' then token = next_tokens(fences, ARGV[3]) end
if kind == 1 then
  for lock = 1, n do redis.call('SET', KEYS[1 + lock], ARGV[1], 'PX', ARGV[2]) end
end
return {kind, token}
