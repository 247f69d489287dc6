-- Shared by the scripts about several keys held as one.

-- The next token of all resources behind these counters: past every one of them, and set in each.
local function next_tokens(fences, proposed)
  local token, proposal = 0, tonumber(proposed) or 0
  for _, fence in ipairs(fences) do token = math.max(token, counter_at(fence)) end
  token = token + 1
  if proposal > token then token = math.max(token, math.min(proposal, micros() + 1000000)) end
  for _, fence in ipairs(fences) do redis.call('ZADD', fence, text(token), 'token') end
  return text(token)
end

-- Stands in a queue, or beats there; gives the place.
local function stand(queue, beats, waiter, beat_ms, old, now)
  local score = redis.call('ZSCORE', queue, waiter)
  if not score then
    if old ~= '' then
      score = old
    else
      local last = redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')[2]
      score = math.max(now, (tonumber(last) or 0) + 1)
    end
    redis.call('ZADD', queue, text(tonumber(score)), waiter)
  end
  redis.call('ZADD', beats, text(now + beat_ms * 1000), waiter)
  redis.call('PEXPIRE', queue, beat_ms + 1000)
  redis.call('PEXPIRE', beats, beat_ms + 1000)
  return text(tonumber(score))
end

local function sit_out(queue, beats, waiter)
  redis.call('ZREM', queue, waiter)
  redis.call('ZREM', beats, waiter)
end
