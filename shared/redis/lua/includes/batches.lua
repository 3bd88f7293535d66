-- include: records, queues, files, webhooks, batch_counts, expiry
-- Batches: their end, and that of their items.
-- End a batch whose items have all ended. It takes no more items, but those that did not succeed may be tried again, unless
-- the batch was canceled as a whole: then it is being `swept`, or was (batches/move.lua). `status` is 'canceled', or
-- 'completed', which becomes 'failed' where no item succeeded and some went wrong, 'canceled' where all were canceled.
local function close_batch(batch, status)
  local lane, owner, total, succeeded, failed, expired =
    batch_values(batch, 'lane', 'owner', 'total', 'succeeded', 'failed', 'expired')
  if status == 'completed' and succeeded == '0' and total ~= '0' then
    status = failed + expired > 0 and 'failed' or 'canceled'
  end
  redis.call('ZREM', queue_key(lane, owner), batch)
  free_places(batch, lane, owner)
  redis.call('ZREM', OPEN_BATCHES, batch)
  redis.call('ZREM', DELAYED_BATCHES, batch)
  free_batch_inputs(batch, owner)
  redis.call('HDEL', batch_key(batch), 'paused', 'paused_at', 'paused_until', 'paused_by', 'paused_reason', 'stopped_at',
    'stopped_by', 'sample') -- it may run again
  redis.call('ZREM', BATCH_PAUSES, batch)
  redis.call('HSET', batch_key(batch), 'status', status, 'completed_at', now)
  start_to_expire(batch_key(batch), batch, succeeded ~= '0')
  note_batch_fetched(batch)
  emit(batch, 'state', {status = status})
  note_delivery('batch', batch, 'batch.' .. status)
end

-- Pause a batch by itself; `by` names the setting of its request that says so.
local function halt(batch, by)
  local lane, owner, sequence, order, status = batch_values(batch, 'lane', 'owner', 'sequence', 'order', 'status')
  redis.call('HSET', batch_key(batch), 'paused', 1, 'status', 'paused', 'stopped_at', now, 'stopped_by', by)
  stop_batch(batch, lane, owner, order or sequence)
  if status ~= 'paused' then emit(batch, 'state', {status = 'paused'}) end
  note_delivery('batch', batch, 'batch.paused')
end

-- Pause a batch of which more went wrong than its request allows. What went wrong before the latest 'resume' does not
-- count again.
local function brake(batch)
  local found = fields(batch_key(batch), 'stop_failed', 'stop_share', 'stop_after', 'stop_wrong', 'stop_done', 'failed',
    'expired', 'succeeded', 'status')
  if not (found.stop_failed or found.stop_share) or found.status ~= 'open' and found.status ~= 'running' then return end
  local wrong = found.failed + found.expired - (found.stop_wrong or 0)
  local done = wrong + found.succeeded - (found.stop_done or 0)
  local is_too_much = found.stop_failed and wrong >= tonumber(found.stop_failed)
    or found.stop_share and done >= tonumber(found.stop_after) and wrong / done >= tonumber(found.stop_share)
  if is_too_much and unfinished(batch) > 0 then halt(batch, 'stop_when') end
end

-- Whether an item of the sample with which a batch begins has not ended, or has not come yet.
local function sample_goes_on(batch, sample)
  for index = sample - 1, 0, -1 do
    local status = job_value(item_id(batch, index), 'status')
    if not status or status == 'queued' or status == 'running' then return true end
  end
  return false
end

-- Pause a batch whose sample is done, until 'resume'.
local function show_sample(batch)
  local sample, stopped_at = batch_values(batch, 'sample', 'stopped_at')
  if sample and not stopped_at and not sample_goes_on(batch, sample) then halt(batch, 'sample') end
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
  redis.call('HDEL', batch_key(batch), 'stopped_at', 'stopped_by')
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
  else
    if status == 'failed' or status == 'expired' then brake(batch) end
    if batch_status ~= 'canceled' then show_sample(batch) end
  end
end

-- Pack what scripts no longer need of an ended item into one field: each small field costs 60 bytes.
local KEPT_APART = {'owner', 'status', 'attempt', 'batch'}
local DROPPED = {'inputs', 'not_before', 'fingerprint', 'type', 'sequence', 'follows', 'children'}
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
