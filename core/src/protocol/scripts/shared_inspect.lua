-- Shows a read/write lock and changes nothing.
-- -> {waiters, then per holder: mode, owner, remaining ms}
local said = {redis.call('ZCARD', reader_queue) + redis.call('ZCARD', writer_queue)}
local function add(mode, owner, left)
  said[#said + 1], said[#said + 2], said[#said + 3] = mode, owner, left
end
local mode, _, owner = sitting()
if mode then add(mode, owner, redis.call('PTTL', seat)) end
for _, reader in ipairs(redis.call('ZRANGEBYSCORE', readers, '(' .. text(now), '+inf')) do
  add('r', reader, left_ms(reader, 'r'))
end
return said
