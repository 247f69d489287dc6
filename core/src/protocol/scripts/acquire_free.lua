-- The common case of acquire.lua, before the functions it does not need: the key is free and nobody
-- waits. Keys and arguments as there; whatever else is found falls through to it.
local fencing = ARGV[3] ~= ''
local counter = fencing and redis.pcall('ZSCORE', KEYS[2], 'token')
local clear
if ARGV[4] == '1' then
  clear = redis.call('EXISTS', KEYS[3], KEYS[5]) == 0
else
  clear = redis.pcall('GET', KEYS[5]) == false
end
if clear and type(counter) ~= 'table' and redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  if not fencing then return '' end
  local token, proposal = tonumber(counter or '0') + 1, tonumber(ARGV[3])
  if proposal > token then
    local time = redis.call('TIME')
    local limit = (tonumber(time[1]) + 1) * 1000000 + tonumber(time[2])
    token = math.max(token, math.min(proposal, limit))
  end
  local text = string.format('%.0f', token)
  redis.call('ZADD', KEYS[2], text, 'token')
  return text
end

