-- Shows the slots of a semaphore and changes nothing.
-- KEYS 1 slots; a slot's key is this, ':' and its number  2 queue
-- ARGV 1 slots there are
-- -> {waiters, for each slot that is taken: its number, value, remaining ms}
local shown = {redis.call('ZCARD', KEYS[2])}
for slot = 0, ARGV[1] - 1 do
  local key = KEYS[1] .. ':' .. slot
  local value = redis.call('GET', key)
  if value then
    shown[#shown + 1] = slot
    shown[#shown + 1] = value
    shown[#shown + 1] = redis.call('PTTL', key)
  end
end
return shown
