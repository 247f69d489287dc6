-- Shows a resource and changes nothing.
-- KEYS 1 lock  2 fence  3 queue
-- -> {type or '', value or '', remaining ms, counter or '', waiters}
local function ask(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then return false end
  return reply
end
local value = redis.pcall('GET', KEYS[1])
local kind = 'string'
if type(value) == 'table' then
  kind, value = 'other', ''
elseif not value then
  kind, value = '', ''
end
local counter = ask('ZSCORE', KEYS[2], 'token')
if counter then counter = string.format('%.0f', tonumber(counter)) end
return {kind, value, ask('PTTL', KEYS[1]) or -1, counter or '', ask('ZCARD', KEYS[3]) or -1}
