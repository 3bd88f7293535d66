-- include: records
-- Webhooks: deliveries wait in one queue for each host, so that a slow receiver delays no other.
-- The subject of a delivery is a job, a batch or a bulk action.
local function subject_key(kind, id)
  if kind == 'action' then return action_key(id) end
  return kind == 'batch' and batch_key(id) or job_key(id)
end

local function sort_host(host)
  local first = redis.call('ZRANGE', webhook_due_key(host), 0, 0, 'WITHSCORES')
  if first[1] then redis.call('ZADD', WEBHOOK_HOSTS, first[2], host)
  else redis.call('ZREM', WEBHOOK_HOSTS, host) end
end

-- Note a delivery of an event of a subject, where its record has a webhook that asks for the event.
local function note_delivery(kind, subject, event)
  local webhook, owner, trace = values(subject_key(kind, subject), 'webhook', 'owner', 'trace')
  local hook = webhook and cjson.decode(webhook)
  if not hook or not hook.events[event] then return end
  local sequence = next_sequence(owner)
  local digest = redis.sha1hex(table.concat({kind, subject, event, owner, sequence}, ' ')) -- an id must not count
  local id = string.format('msg_%011x%s', now, string.sub(digest, 1, 16))
  redis.call('HSET', delivery_key(id), 'id', id, 'owner', owner, 'kind', kind, 'subject', subject,
    'event', event, 'url', hook.url, 'host', hook.host, 'private', hook.private and 1 or 0, 'base', hook.base,
    'status', 'pending', 'attempt', 0, 'tries', 0, 'sequence', sequence, 'created_at', now, 'next_at', now)
  if trace then redis.call('HSET', delivery_key(id), 'trace', trace) end
  if hook.body then redis.call('HSET', delivery_key(id), 'body', hook.body) end
  if hook.template then redis.call('HSET', delivery_key(id), 'template', hook.template) end
  redis.call('ZADD', owned_deliveries_key(owner), sequence, id)
  redis.call('RPUSH', subject_deliveries_key(kind, subject), id)
  redis.call('ZADD', webhook_due_key(hook.host), now, id)
  sort_host(hook.host)
end

-- The deliveries of a subject go with its record.
local function forget_deliveries(kind, subject)
  for _, id in ipairs(redis.call('LRANGE', subject_deliveries_key(kind, subject), 0, -1)) do
    local owner, host = values(delivery_key(id), 'owner', 'host')
    if owner then
      redis.call('ZREM', owned_deliveries_key(owner), id)
      redis.call('ZREM', webhook_due_key(host), id)
      sort_host(host)
    end
    redis.call('DEL', delivery_key(id))
  end
  redis.call('DEL', subject_deliveries_key(kind, subject))
end
