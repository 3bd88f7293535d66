-- Webhooks: who is to be told of what.
-- Deliveries of webhooks wait in one line a host, so that a slow receiver holds up its own alone.
local function subject_key(kind, id) return kind == 'batch' and batch_key(id) or job_key(id) end

local function sort_host(host)
  local first = redis.call('ZRANGE', webhook_due_key(host), 0, 0, 'WITHSCORES')
  if first[1] then redis.call('ZADD', WEBHOOK_HOSTS, first[2], host)
  else redis.call('ZREM', WEBHOOK_HOSTS, host) end
end

-- Note that somebody is to be told of an event of a subject, where its record has a webhook that wants it.
local function note_delivery(kind, subject, event)
  local known = redis.call('HMGET', subject_key(kind, subject), 'webhook', 'owner')
  local hook = known[1] and cjson.decode(known[1])
  if not hook or not hook.events[event] then return end
  local sequence = redis.call('INCR', SEQUENCE)
  local id = string.format('msg_%011x%08x', now, sequence)
  redis.call('HSET', delivery_key(id), 'id', id, 'owner', known[2], 'kind', kind, 'subject', subject,
    'event', event, 'url', hook.url, 'host', hook.host, 'private', hook.private and 1 or 0, 'base', hook.base,
    'status', 'pending', 'attempt', 0, 'tries', 0, 'sequence', sequence, 'created_at', now, 'next_at', now)
  redis.call('ZADD', owned_deliveries_key(known[2]), sequence, id)
  redis.call('RPUSH', told_key(kind, subject), id)
  redis.call('ZADD', webhook_due_key(hook.host), now, id)
  sort_host(hook.host)
end

-- The deliveries of a subject go with its record.
local function forget_deliveries(kind, subject)
  for _, id in ipairs(redis.call('LRANGE', told_key(kind, subject), 0, -1)) do
    local known = redis.call('HMGET', delivery_key(id), 'owner', 'host')
    if known[1] then
      redis.call('ZREM', owned_deliveries_key(known[1]), id)
      redis.call('ZREM', webhook_due_key(known[2]), id)
      sort_host(known[2])
    end
    redis.call('DEL', delivery_key(id))
  end
  redis.call('DEL', told_key(kind, subject))
end
