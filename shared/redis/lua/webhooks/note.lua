-- Note how a try went. ARGV: id, attempt, new status, the try (JSON), pause ms before the next try, most tries kept
-- Returns 'ok', or 'lost' where another attempt took over or the delivery is forgotten.
local id = ARGV[1]
local key = delivery_key(id)
local known = redis.call('HMGET', key, 'attempt', 'host', 'log', 'status')
if known[1] ~= ARGV[2] or known[4] ~= 'pending' then return 'lost' end
local log = known[3] and cjson.decode(known[3]) or {}
local try = cjson.decode(ARGV[4])
try.at = now
log[#log + 1] = try
if #log > tonumber(ARGV[6]) then table.remove(log, 1) end
redis.call('HSET', key, 'status', ARGV[3], 'log', cjson.encode(log))
if ARGV[3] == 'pending' then
  local next_at = now + tonumber(ARGV[5])
  redis.call('HSET', key, 'next_at', next_at)
  redis.call('ZADD', webhook_due_key(known[2]), next_at, id)
else
  redis.call('HSET', key, 'ended_at', now)
  redis.call('HDEL', key, 'next_at')
  redis.call('ZREM', webhook_due_key(known[2]), id)
end
sort_host(known[2])
return 'ok'
