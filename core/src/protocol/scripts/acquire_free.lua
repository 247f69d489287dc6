-- The common case of acquire.lua, before the functions it does not need: the key is free and nobody
-- waits. Keys and arguments as there; whatever else is found falls through to it.
local fencing = ARGV[3] ~= ''
local floor, counter = false, false
if fencing then
  floor, counter = redis.pcall('GET', KEYS[3]), redis.pcall('GET', KEYS[2])
end
local clear
if ARGV[4] == '1' then
  clear = redis.call('EXISTS', KEYS[4], KEYS[6]) == 0
else
  clear = redis.pcall('GET', KEYS[6]) == false
end
if clear and type(floor) ~= 'table' and type(counter) ~= 'table'
  and redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  if not fencing then return '' end
  floor = tonumber(floor or '0') or 0
  local token, proposal = (tonumber(counter or floor) or floor) + 1, tonumber(ARGV[3])
  if proposal > token then
    local time = redis.call('TIME')
    local limit = (tonumber(time[1]) + 1) * 1000000 + tonumber(time[2])
    token = math.max(token, math.min(proposal, limit))
  end
  local text = string.format('%.0f', token)
  redis.call('SET', KEYS[2], text, 'PX', 600000)
  if token > floor then redis.call('SET', KEYS[3], text) end
  return text
end

