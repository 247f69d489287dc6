-- Shared by every script: numbers as text, fencing counters, the queue of waiters.

-- A counter is the score of the one member of a sorted set: plain commands can lift it, too.
local function counter_at(fence)
  return tonumber(redis.call('ZSCORE', fence, 'token') or '0')
end

-- Lua has doubles only and would print 1.79e15 in short.
local function text(number)
  return string.format('%.0f', number)
end

local function micros()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- Lifts the counter to at least `to`.
local function raise(fence, to)
  local counter = counter_at(fence)
  if counter >= to then return counter end
  redis.call('ZADD', fence, text(to), 'token')
  return to
end

-- The next token of a resource: past every earlier one, and at the proposal where that is larger,
-- so that nodes whose counters differ agree. A proposal too far in the future is cut.
local function next_token(fence, proposed)
  local token, proposal = counter_at(fence) + 1, tonumber(proposed) or 0
  if proposal > token then token = math.max(token, math.min(proposal, micros() + 1000000)) end
  redis.call('ZADD', fence, text(token), 'token')
  return text(token)
end

-- Who holds a key: {0, 'held' | 'foreign', remaining ms, place, score}.
local function refusal(lock, value, place, score)
  local kind = 'foreign'
  if string.sub(value, 1, 3) == 'q1.' then kind = 'held' end
  local left = redis.pcall('PTTL', lock)
  if type(left) ~= 'number' then left = -1 end
  return {0, kind, left, place or -1, score or ''}
end

-- Removes waiters that stopped beating and returns the first that lives.
local function live_head(queue, beats, now_us)
  while true do
    local head = redis.call('ZRANGE', queue, 0, 0)[1]
    if not head then return nil end
    local beat = redis.call('ZSCORE', beats, head)
    if beat and tonumber(beat) >= now_us then return head end
    redis.call('ZREM', queue, head)
    redis.call('ZREM', beats, head)
  end
end

-- Tells the first waiter that the lock is free. A waiter is '<client>:<number>:<s|p>': s listens on
-- its client's channel, p polls. Nobody on the channel means that the client is gone.
local function wake(queue, beats, channels)
  while true do
    local head = redis.call('ZRANGE', queue, 0, 0)[1]
    if not head or string.sub(head, -1) == 'p' then return end
    if redis.call('PUBLISH', channels .. string.match(head, '^[^:]*'), head) > 0 then return end
    redis.call('ZREM', queue, head)
    redis.call('ZREM', beats, head)
  end
end
