-- Shared by every script: numbers as text, fencing counters, the queue of waiters.

-- How long a resource's counter outlives its last use; the floor stays for ever.
local COUNTER_MS = 600000

local function number_at(key)
  return tonumber(redis.call('GET', key) or '0') or 0
end

-- Lua has doubles only and would print 1.79e15 in short.
local function text(number)
  return string.format('%.0f', number)
end

local function micros()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- Lifts the counter and the node's floor to at least `to`. The floor is never below a counter.
local function raise(fence, floor, to)
  local counter = number_at(fence)
  if counter >= to then return counter end
  redis.call('SET', fence, text(to), 'PX', COUNTER_MS)
  if number_at(floor) < to then redis.call('SET', floor, text(to)) end
  return to
end

-- The next token of a resource: past every earlier one, and at the proposal where that is larger,
-- so that nodes whose counters differ agree. A proposal too far in the future is cut.
local function next_token(fence, floor, proposed)
  local counter = redis.call('GET', fence) or redis.call('GET', floor) or '0'
  local token = (tonumber(counter) or number_at(floor)) + 1
  local proposal = tonumber(proposed) or 0
  if proposal > token then
    local limit = micros() + 1000000
    if proposal > limit then proposal = limit end
    if proposal > token then token = proposal end
  end
  raise(fence, floor, token)
  return text(token)
end

-- The token of a key that is the caller's already; the next one where the counter was lost since.
local function token_again(fence, floor, proposed)
  local counter = number_at(fence)
  if counter > 0 then return text(counter) end
  return next_token(fence, floor, proposed)
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
local function wake(queue, beats, floor)
  while true do
    local head = redis.call('ZRANGE', queue, 0, 0)[1]
    if not head or string.sub(head, -1) == 'p' then return end
    local channel = string.sub(floor, 1, -6) .. 'wake:' .. string.match(head, '^[^:]*')
    if redis.call('PUBLISH', channel, head) > 0 then return end
    redis.call('ZREM', queue, head)
    redis.call('ZREM', beats, head)
  end
end
