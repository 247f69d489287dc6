-- Keeps the marker by which a server that lost data is told from one that kept it.
-- KEYS 1 marker
-- ARGV 1 'look' | 'open' | 'guard' | 'admit'  2 run of the server or ''  3 '1' it keeps all data, '0' it does not, ''
--      4 longest ttl in ms  5 id for a server seen without its data  6 id meant  7 ids opened together, or '1' =
--      others remember that the cluster was in use
-- -> {state, id, ms until it votes, longest ttl in ms, ids opened together}
-- States: n new  b blank  l lost  g guarded  o open. The text is 'state id run ttl seen keeps ids'.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local word, run_now, keeps_now, ttl_now, fresh = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local text = redis.call('GET', KEYS[1])
local state, id, run, ttl, seen, keeps, with =
  string.match(text or '', '^([nblgo]) (%S+) (%S+) (%d+) (%d+) ([01]) (%S+)$')
if not state then
  -- A text that is not one of ours: somebody was here.
  state, id, run, ttl, seen, keeps, with = text and 'l' or 'n', fresh, '-', 0, now, '0', '-'
end
if run ~= '-' and run_now ~= '' and run ~= run_now then
  -- The server was restarted, or another one took its place. What it acknowledged is all there only where it
  -- was kept so then and is now.
  if not (keeps == '1' and keeps_now == '1') then
    state = (state == 'n' or state == 'b') and 'n' or 'l'
    id, seen, with = fresh, now, '-'
  end
end
if run_now ~= '' then run = run_now end
if keeps_now ~= '' then keeps = keeps_now end
ttl = math.max(tonumber(ttl), ttl_now)
local blank = state == 'n' or state == 'b'
if word == 'open' and id == ARGV[6] and blank then
  state, with = 'o', ARGV[7]
elseif word == 'guard' and id == ARGV[6] and state ~= 'o' then
  state = (blank and ARGV[7] ~= '1') and 'b' or 'g'
elseif word == 'admit' then
  state, with = 'o', '-'
end
local left = 0
if state ~= 'o' then left = math.max(seen + ttl - now, 0) end
if left == 0 and (state == 'b' or state == 'g') then state, with = 'o', '-' end
local fresh_text = string.format('%s %s %s %.0f %.0f %s %s', state, id, run, ttl, seen, keeps, with)
if fresh_text ~= text then redis.call('SET', KEYS[1], fresh_text) end
return {state, id, left, ttl, with}
