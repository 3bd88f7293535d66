-- include: records, removal, webhooks
-- Forget terminal jobs whose time to live is over, and delete such batches; of bulk actions, whose records expire by
-- themselves, forget what was told. A batch whose results are on their way to a place stays until they are there, or given
-- up. Returns their ids.
local most, tombstone_ms = unpack(ARGV)
local LATER_MS = 60000
local ids = redis.call('ZRANGEBYSCORE', EXPIRING, '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(ids) do
  local owner = redis.call('HGET', batch_key(id), 'owner')
  local is_pinned = redis.call('HEXISTS', owner and batch_key(id) or job_key(id), 'pinned_at') == 1
  if string.sub(id, 1, 7) == 'action_' then
    redis.call('ZREM', EXPIRING, id)
    forget_deliveries('action', id)
  elseif is_pinned then redis.call('ZREM', EXPIRING, id) -- an older Atelier beside this one listed it
  elseif redis.call('ZSCORE', EXPORTS, id) then redis.call('ZADD', EXPIRING, now + LATER_MS, id)
  elseif owner then delete_batch(id, owner)
  else forget_job(id, tombstone_ms) end
end
return ids
