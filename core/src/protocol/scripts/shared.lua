-- Shared by the scripts of the read/write lock.
-- KEYS 1 seat: '<w|u>:<operation>:<owner>', of the one writer or upgradeable
--      2 readers: owner -> until when, in microseconds of this server
--      3 operations: reader -> its last operation here; 'writing': a writer has had the seat;
--        'turn': readers that came until then go before the next writer
--      4 fence  5 waiting readers  6 waiting writers  7 until when each of both counts as alive
-- A waiter is '<client>:<number>:<kind>:<s|p>', its kind r, u, w, or x for an upgrade.
local seat, readers, operations, fence = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local reader_queue, writer_queue, beats = KEYS[5], KEYS[6], KEYS[7]
local now = micros()
local rank = {r = 1, u = 2, w = 3}

local function keep(key, ms)
  if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end
end

-- Every reader has a time of its own.
local function bury_readers()
  for _, owner in ipairs(redis.call('ZRANGEBYSCORE', readers, '-inf', text(now))) do
    redis.call('ZREM', readers, owner)
    redis.call('ZREM', operations, owner)
  end
end

-- Who has the seat: mode, operation, owner.
local function sitting()
  local value = redis.call('GET', seat)
  if not value then return nil end
  local mode, op, owner = string.match(value, '^([uw]):(%d+):(.*)$')
  return mode, tonumber(op), owner
end

-- What an owner has here, and by which operation.
local function standing(owner)
  local mode, op, sitter = sitting()
  if mode and sitter == owner then return mode, op end
  if redis.call('ZSCORE', readers, owner) then
    return 'r', tonumber(redis.call('ZSCORE', operations, owner) or '0')
  end
  return nil
end

-- Takes away what an owner has here; tells what that was.
local function drop(owner)
  local mode = standing(owner)
  if mode == 'r' then
    redis.call('ZREM', readers, owner)
    redis.call('ZREM', operations, owner)
  elseif mode then
    redis.call('DEL', seat)
  end
  return mode
end

-- Gives an owner its place, whatever it had before.
local function place(owner, mode, op, ttl_ms)
  drop(owner)
  ttl_ms = math.max(1, tonumber(ttl_ms))
  if mode == 'r' then
    redis.call('ZADD', readers, text(now + ttl_ms * 1000), owner)
    redis.call('ZADD', operations, text(op), owner)
    keep(readers, ttl_ms)
    keep(operations, ttl_ms + 1000)
  else
    redis.call('SET', seat, mode .. ':' .. text(op) .. ':' .. owner, 'PX', text(ttl_ms))
    if mode == 'w' then
      redis.call('ZADD', operations, '1', 'writing')
      keep(operations, ttl_ms + 1000)
    end
  end
end

-- How much time an owner in this mode has left, in whole milliseconds, rounded up.
local function left_ms(owner, mode)
  if mode == 'r' then return math.ceil((tonumber(redis.call('ZSCORE', readers, owner)) - now) / 1000) end
  return redis.call('PTTL', seat)
end

-- Once a writer is gone, however that came, readers that were refused go before the next one. True
-- where that is so now.
local function turn_over()
  if sitting() == 'w' or not redis.call('ZSCORE', operations, 'writing') then return false end
  redis.call('ZREM', operations, 'writing')
  local last = redis.call('ZRANGE', reader_queue, -1, -1, 'WITHSCORES')[2]
  if last then
    redis.call('ZADD', operations, text(math.max(now, tonumber(last))), 'turn')
    keep(operations, redis.call('PTTL', reader_queue))
  end
  return true
end

local function turn()
  return tonumber(redis.call('ZSCORE', operations, 'turn') or '-1')
end

local function kind_of(waiter)
  return string.match(waiter, ':(%a):%a$')
end

local function is_alive(waiter)
  local beat = redis.call('ZSCORE', beats, waiter)
  return beat and tonumber(beat) >= now
end

-- True where somebody waits to write, which keeps new readers out.
local function writer_waits()
  for _, waiter in ipairs(redis.call('ZRANGE', writer_queue, 0, -1)) do
    if kind_of(waiter) ~= 'u' and is_alive(waiter) then return true end
  end
  return false
end

-- True where readers wait whose turn it is before the next writer.
local function reader_first()
  local head = live_head(reader_queue, beats, now)
  return head and tonumber(redis.call('ZSCORE', reader_queue, head)) <= turn()
end

-- Stands in a queue, or beats there; tells the score.
local function stand(queue, waiter, beat_ms, old)
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
  keep(queue, beat_ms + 1000)
  keep(beats, beat_ms + 1000)
  return text(tonumber(score))
end

local function unstand(queue, waiter)
  redis.call('ZREM', beats, waiter)
  return redis.call('ZREM', queue, waiter)
end

-- Tells a waiter that it may ask; false where its client is gone, and with it its place.
local function tell(queue, waiter, channels)
  if string.sub(waiter, -1) == 'p' then return true end
  if redis.call('PUBLISH', channels .. string.match(waiter, '^[^:]*'), waiter) > 0 then return true end
  unstand(queue, waiter)
  return false
end

-- Tells whoever may have the lock now. `ended`: a writer has just gone.
local function call_next(ended, channels)
  local taken = sitting()
  if taken == 'w' then return end
  local blocked, until_turn, reading = writer_waits(), turn(), false
  local waiters = redis.call('ZRANGE', reader_queue, 0, -1, 'WITHSCORES')
  for index = 1, #waiters, 2 do
    local waiter, first = waiters[index], tonumber(waiters[index + 1]) <= until_turn
    if (first or not blocked) and is_alive(waiter) then
      -- Those whose turn it is were told when it began.
      local told = first and not ended and blocked
      reading = told or tell(reader_queue, waiter, channels) or reading
    end
  end
  reading = reading or redis.call('ZCARD', readers) > 0
  local head = live_head(writer_queue, beats, now)
  while head do
    local kind, may = kind_of(head), not taken
    if kind == 'w' then may = not taken and not reading end
    if kind == 'x' then may = not reading end
    if not may or tell(writer_queue, head, channels) then return end
    head = live_head(writer_queue, beats, now)
  end
end

