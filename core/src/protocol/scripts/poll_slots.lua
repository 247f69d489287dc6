-- Stands in the queue of a semaphore, or beats there, and takes slots on this node when it is its turn.
-- First in, first out: a waiter may take slots where enough are left for all before it. One that wants
-- more than there are may be passed, but only so often.
-- KEYS 1 tombstone  2 slots; a slot's key is this, ':' and its number  3 queue  4 beats  5 passes
-- ARGV 1 token  2 ttl_ms  3 proposed token, '' = no fencing  4 waiter  5 beat_ms  6 old score or ''
--      7 channels  8 slots there are  9 slots wanted  10 the slot looked at first
--      11 what counters are named by  12 the first slot's counter  13 how many counters there are
-- -> {1, token, score, slot ...} granted | {2, token, score, slot ...} already mine
--    | {0, 'held' | 'queued' | 'buried', -1, place, score}
local PASSES_MAX, LOOKED_AT = 16, 64
if redis.call('GET', KEYS[1]) then return {0, 'buried', -1, -1, ''} end
local queue, beats, passes, waiter = KEYS[3], KEYS[4], KEYS[5], ARGV[4]
local limit, wanted, first = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local now = micros()
local score = stand(queue, beats, waiter, ARGV[5], ARGV[6], now)
live_head(queue, beats, now)

local free, mine = {}, {}
for from = 0, limit - 1, 200 do
  local names, numbers = {}, {}
  for step = from, math.min(from + 200, limit) - 1 do
    local slot = (first + step) % limit
    names[#names + 1], numbers[#numbers + 1] = KEYS[2] .. ':' .. slot, slot
  end
  for index, value in ipairs(redis.call('MGET', unpack(names))) do
    if not value then
      free[#free + 1] = numbers[index]
    elseif value == ARGV[1] then
      mine[#mine + 1] = numbers[index]
    end
  end
end

local function take(kind, slots)
  local fences = {}
  for index, slot in ipairs(slots) do
    fences[index] = ARGV[11] .. string.format('%d', (ARGV[12] + slot) % ARGV[13])
  end
  -- The token first: a script that fails on a counter must not leave keys behind.
  local token = ''
  if ARGV[3] ~= '' then token = next_tokens(fences, ARGV[3]) end
  local granted = {kind, token, score}
  for _, slot in ipairs(slots) do
    if kind == 1 then redis.call('SET', KEYS[2] .. ':' .. slot, ARGV[1], 'PX', ARGV[2]) end
    granted[#granted + 1] = slot
  end
  sit_out(queue, beats, waiter)
  redis.call('ZREM', passes, waiter)
  return granted
end

-- Who is served with what is free, in the order of the queue.
if #mine >= wanted then return take(2, mine) end
local left, serve, passed, called = #free, false, {}, {}
if left > 0 then
  for _, other in ipairs(redis.call('ZRANGE', queue, 0, LOOKED_AT - 1)) do
    local alive = redis.call('ZSCORE', beats, other)
    local wants = tonumber(string.match(other, '^[^:]*:[^:]*:(%d+):'))
    if not alive or tonumber(alive) < now or not wants then
      sit_out(queue, beats, other)
      redis.call('ZREM', passes, other)
    elseif wants <= left then
      left = left - wants
      if other == waiter then serve = true else called[#called + 1] = other end
    elseif serve then
      break
    else
      local times = redis.call('ZSCORE', passes, other)
      if times and tonumber(times) >= PASSES_MAX then break end
      passed[#passed + 1] = other
    end
    if left == 0 then break end
  end
end
local function call_the_served()
  for _, other in ipairs(called) do
    local listens = string.sub(other, -1) ~= 'p'
    if listens and redis.call('PUBLISH', ARGV[7] .. string.match(other, '^[^:]*'), other) == 0 then
      sit_out(queue, beats, other)
    end
  end
end
if serve then
  for _, other in ipairs(passed) do
    redis.call('ZINCRBY', passes, 1, other)
    redis.call('PEXPIRE', passes, ARGV[5] + 1000)
  end
  local granted = take(1, {unpack(free, 1, wanted)})
  call_the_served()
  return granted
end
call_the_served()
local kind = 'held'
if #free > 0 then kind = 'queued' end
return {0, kind, -1, redis.call('ZRANK', queue, waiter) or -1, score}
