-- Writes a fencing token back for several locks where the caller still owns all of them.
-- KEYS n locks  fences, each once
-- ARGV 1 token  2 fencing token  3 '1' = past the counters, for keys that were not counted yet  4 n
-- -> what every counter is now | '' where a key is not the caller's
local n, token = tonumber(ARGV[4]), tonumber(ARGV[2])
for lock = 1, n do
  if redis.call('GET', KEYS[lock]) ~= ARGV[1] then return '' end
end
local fences = {unpack(KEYS, n + 1)}
if ARGV[3] == '1' then return next_tokens(fences, ARGV[2]) end
for _, fence in ipairs(fences) do token = math.max(token, counter_at(fence)) end
for _, fence in ipairs(fences) do raise(fence, token) end
return text(token)
