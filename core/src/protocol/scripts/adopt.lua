-- Takes a lease over: swaps the old owner for the new one, renews, and takes the next token.
-- KEYS 1 lock  2 fence  3 tombstone of the new owner  4 spent mark
-- ARGV 1 old token  2 new token  3 ttl_ms  4 proposed token, '' = no fencing  5 ms to remember the ticket
-- -> {1, token} swapped | {2, token} already mine | {0, 'missing' | 'spent' | kind, remaining ms, -1, owner}
if redis.call('GET', KEYS[4]) == 'spent' then return {0, 'spent', -1, -1, ''} end
-- From now on its publisher's last renewal comes late.
redis.call('SET', KEYS[4], 'seen', 'PX', ARGV[5])
local value = redis.call('GET', KEYS[1])
if value == ARGV[2] then
  if ARGV[4] == '' then return {2, ''} end
  return {2, next_token(KEYS[2], ARGV[4])}
end
if not value then return {0, 'missing', -1, -1, ''} end
if value ~= ARGV[1] then return refusal(KEYS[1], value, -1, value) end
if redis.call('GET', KEYS[3]) then return {0, 'buried', -1, -1, ''} end
-- The token first: a script that fails on the counter must not have swapped the owner.
local token = ''
if ARGV[4] ~= '' then token = next_token(KEYS[2], ARGV[4]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {1, token}
