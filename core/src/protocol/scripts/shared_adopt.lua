-- Takes a place over: swaps the old owner for the new one, renews, and takes the next token.
-- KEYS 8 tombstone of the new owner  9 spent mark
-- ARGV 1 new token  2 mode  3 operation  4 ttl_ms  5 proposed token, '' = no fencing  6 old token
--      7 ms to remember the ticket
-- -> {1, token} swapped | {2, token} already mine | {0, 'missing' | 'spent' | kind, remaining ms, -1, owner}
if redis.call('GET', KEYS[9]) == 'spent' then return {0, 'spent', -1, -1, ''} end
-- From now on its publisher's last renewal comes late.
redis.call('SET', KEYS[9], 'seen', 'PX', ARGV[7])
bury_readers()
local token, mode, old = ARGV[1], ARGV[2], ARGV[6]
if standing(token) == mode then
  if ARGV[5] == '' then return {2, ''} end
  return {2, next_token(fence, ARGV[5])}
end
local had = standing(old)
if not had or rank[had] < rank[mode] then
  local taken, _, sitter = sitting()
  if taken and mode ~= 'r' and sitter ~= old then return {0, 'held', redis.call('PTTL', seat), -1, sitter} end
  return {0, 'missing', -1, -1, ''}
end
if redis.call('GET', KEYS[8]) then return {0, 'buried', -1, -1, ''} end
-- The token first: a script that fails on the counter must not have swapped the owner.
local granted = ''
if ARGV[5] ~= '' then granted = next_token(fence, ARGV[5]) end
drop(old)
place(token, mode, tonumber(ARGV[3]), ARGV[4])
return {1, granted}
