-- include: records, webhooks, totals
-- Note how a try of a delivery went. The try is JSON; the pause comes before the next one.
-- Returns 'ok', or 'lost' where another attempt took over or the delivery is forgotten.
local id, attempt, status, try_text, pause_ms, most_kept = unpack(ARGV)
local key = delivery_key(id)
local current, host, log_text, known_status = values(key, 'attempt', 'host', 'log', 'status')
if current ~= attempt or known_status ~= 'pending' then return 'lost' end
count_total('delivery', status)
local log = log_text and cjson.decode(log_text) or {}
local try = cjson.decode(try_text)
try.at = now
log[#log + 1] = try
if #log > tonumber(most_kept) then table.remove(log, 1) end
redis.call('HSET', key, 'status', status, 'log', cjson.encode(log))
if status == 'pending' then
  local next_at = now + tonumber(pause_ms)
  redis.call('HSET', key, 'next_at', next_at)
  redis.call('ZADD', webhook_due_key(host), next_at, id)
else
  redis.call('HSET', key, 'ended_at', now)
  redis.call('HDEL', key, 'next_at')
  redis.call('ZREM', webhook_due_key(host), id)
end
sort_host(host)
return 'ok'
