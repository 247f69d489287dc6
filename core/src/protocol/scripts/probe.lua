-- Asks what this user may do here; touches nothing and carries no secret.
-- KEYS 1 a key that does not exist
-- ARGV 1 the client's own wake-up channel
-- -> {TIME, fencing counters, PUBLISH and sorted sets}: 1 allowed | 0 not
local function may(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return true end
  local why = string.lower(reply.err)
  -- Another error is the state of the server (full, a replica) and passes; rights do not.
  return not (string.find(why, 'perm', 1, true) or string.find(why, "can't run", 1, true)
    or string.find(why, 'acl', 1, true) or string.find(why, 'unknown', 1, true))
end
local key = KEYS[1]
local time = may('TIME')
local fencing = may('ZSCORE', key, 'x') and may('ZADD', key, 'XX', 1, 'x')
local queue = time and fencing and may('EXISTS', key) and may('PUBLISH', ARGV[1], '')
  and may('ZRANGE', key, 0, 0) and may('ZRANK', key, 'x')
  and may('ZREM', key, 'x') and may('PEXPIRE', key, 1)
local function flag(yes) if yes then return 1 end return 0 end
return {flag(time), flag(fencing), flag(queue)}
