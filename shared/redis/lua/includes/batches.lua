-- include: records, queues, files, webhooks, batch_counts
-- Batches: their end, and that of their items.
-- End a batch whose items have all ended. It takes no more items, but failed ones may be tried again. `status` is
-- 'completed', which becomes 'failed' where no item succeeded and some went wrong, or 'canceled'.
local function close_batch(batch, status)
  local ttl_ms, lane, owner, succeeded, failed, expired =
    batch_values(batch, 'ttl_ms', 'lane', 'owner', 'succeeded', 'failed', 'expired')
  if status == 'completed' and succeeded == '0' and failed + expired > 0 then status = 'failed' end
  local expires = now + tonumber(ttl_ms)
  redis.call('ZREM', queue_key(lane, owner), batch)
  redis.call('ZREM', stopped_key(lane, owner), batch)
  redis.call('ZREM', OPEN_BATCHES, batch)
  redis.call('ZREM', DELAYED_BATCHES, batch)
  free_batch_inputs(batch, owner)
  redis.call('ZADD', EXPIRING, expires, batch)
  redis.call('HSET', batch_key(batch), 'status', status, 'completed_at', now, 'expires_at', expires)
  emit(batch, 'state', {status = status})
  note_delivery('batch', batch, 'batch.' .. status)
end

-- Pause a batch of which more went wrong than its request allows. What went wrong before the latest 'resume' does not
-- count again.
local function brake(batch)
  local found = fields(batch_key(batch), 'stop_failed', 'stop_share', 'stop_after', 'stop_wrong', 'stop_done', 'failed',
    'expired', 'succeeded', 'status', 'lane', 'owner', 'sequence', 'order')
  if not (found.stop_failed or found.stop_share) or found.status ~= 'open' and found.status ~= 'running' then return end
  local wrong = found.failed + found.expired - (found.stop_wrong or 0)
  local done = wrong + found.succeeded - (found.stop_done or 0)
  local is_too_much = found.stop_failed and wrong >= tonumber(found.stop_failed)
    or found.stop_share and done >= tonumber(found.stop_after) and wrong / done >= tonumber(found.stop_share)
  if not is_too_much or unfinished(batch) == 0 then return end
  redis.call('HSET', batch_key(batch), 'paused', 1, 'status', 'paused', 'stopped_at', now)
  stop_batch(batch, found.lane, found.owner, found.order or found.sequence)
  emit(batch, 'state', {status = 'paused'})
  note_delivery('batch', batch, 'batch.paused')
end

-- The time of a batch has come.
local function wake_batch(batch)
  redis.call('ZREM', DELAYED_BATCHES, batch)
  local found = fields(batch_key(batch), 'status', 'paused', 'lane', 'owner', 'sequence', 'order')
  if found.paused or found.status ~= 'open' and found.status ~= 'running' then return end
  start_batch(batch, found.lane, found.owner, found.order or found.sequence)
end

-- Let the brake count from here.
local function release_brake(batch)
  local failed, expired, succeeded = batch_values(batch, 'failed', 'expired', 'succeeded')
  redis.call('HDEL', batch_key(batch), 'stopped_at')
  redis.call('HSET', batch_key(batch), 'stop_wrong', failed + expired, 'stop_done', succeeded)
end

-- After an item has ended: report it to those who wait for results, and end the batch with the last item.
local function note_end(id, batch, index, custom_id, status)
  redis.call('RPUSH', batch_finished_key(batch), string.match(id, '%-(.*)$'))
  emit(batch, 'item', {index = tonumber(index), custom_id = custom_id, id = id, status = status})
  note_done(batch, status)
  local batch_status, finalized_at = batch_values(batch, 'status', 'finalized_at')
  if finalized_at and unfinished(batch) == 0 then
    close_batch(batch, batch_status == 'canceled' and 'canceled' or 'completed')
  elseif status == 'failed' or status == 'expired' then
    brake(batch)
  end
end

-- Pack what scripts no longer need of an ended item into one field: each small field costs 60 bytes.
local KEPT_APART = {'owner', 'status', 'attempt', 'batch'}
local DROPPED = {'inputs', 'not_before', 'fingerprint', 'type', 'sequence', 'follows'}
local function pack(id)
  local record, kept, packed = all_fields(job_key(id)), {}, {}
  for _, name in ipairs(KEPT_APART) do
    kept[#kept + 1] = name
    kept[#kept + 1] = record[name]
    record[name] = nil
  end
  for _, name in ipairs(DROPPED) do record[name] = nil end
  for name, value in pairs(record) do
    if value ~= '0' or name == 'custom_id' then packed[name] = value end
  end
  redis.call('DEL', job_key(id))
  redis.call('HSET', job_key(id), 'packed', cjson.encode(packed), unpack(kept))
end
