-- include: records, files, webhooks, batch_counts
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
  free_batch_inputs(batch, owner)
  redis.call('ZADD', EXPIRING, expires, batch)
  redis.call('HSET', batch_key(batch), 'status', status, 'completed_at', now, 'expires_at', expires)
  emit(batch, 'state', {status = status})
  note_delivery('batch', batch, 'batch.' .. status)
end

-- After an item has ended: report it to those who wait for results, and end the batch with the last item.
local function note_end(id, batch, index, custom_id, status)
  redis.call('RPUSH', batch_finished_key(batch), string.match(id, '%-(.*)$'))
  emit(batch, 'item', {index = tonumber(index), custom_id = custom_id, id = id, status = status})
  note_done(batch, status)
  local batch_status, finalized_at = batch_values(batch, 'status', 'finalized_at')
  if finalized_at and unfinished(batch) == 0 then
    close_batch(batch, batch_status == 'canceled' and 'canceled' or 'completed')
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
