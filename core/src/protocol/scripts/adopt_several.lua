-- Takes several leases over as one: swaps the old owner for the new one in all of them or in none.
-- KEYS 1 tombstone of the new owner  2 spent mark  n locks  fences, each once
-- ARGV 1 old token  2 new token  3 ttl_ms  4 proposed token, '' = no fencing  5 ms to remember the ticket  6 n
-- -> {1, token} swapped | {2, token} already mine | {0, 'missing' | 'spent' | kind, remaining ms, -1, owner, which name}
if redis.call('GET', KEYS[2]) == 'spent' then return {0, 'spent', -1, -1, '', 0} end
-- From now on its publisher's last renewal comes late.
redis.call('SET', KEYS[2], 'seen', 'PX', ARGV[5])
local n, mine = tonumber(ARGV[6]), 0
for lock = 1, n do
  local value = redis.call('GET', KEYS[2 + lock])
  if value == ARGV[2] then
    mine = mine + 1
  elseif not value then
    return {0, 'missing', -1, -1, '', lock - 1}
  elseif value ~= ARGV[1] then
    local refused = refusal(KEYS[2 + lock], value, -1, value)
    refused[6] = lock - 1
    return refused
  end
end
if mine < n and redis.call('GET', KEYS[1]) then return {0, 'buried', -1, -1, '', 0} end
-- The token first: a script that fails on a counter must not have swapped the owner.
local token = ''
if ARGV[4] ~= '' then token = next_tokens({unpack(KEYS, 3 + n)}, ARGV[4]) end
if mine == n then return {2, token} end
for lock = 1, n do redis.call('SET', KEYS[2 + lock], ARGV[2], 'PX', ARGV[3]) end
return {1, token}
