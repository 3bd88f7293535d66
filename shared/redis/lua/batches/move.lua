-- include: records, queues, batch_counts, batches, removal, changes
-- A client's request about a batch: 'finalize', 'pause', 'resume', 'cancel' or 'delete'. Each may come twice. A 'pause' has
-- a reason, a name and a time of its end besides, each '' for none, and replaces an earlier one; 'wake' ends one whose
-- time is over. Returns 'ok', 'missing', or the status that forbids it.
local id, owner, request, reason, by, ends_at = unpack(ARGV)
local batch = fields(batch_key(id), 'owner', 'status', 'finalized_at', 'completed_at', 'lane', 'sequence', 'order',
  'not_before', 'sample', 'swept')
if request == 'wake' and tonumber(redis.call('ZSCORE', BATCH_PAUSES, id) or 0) <= now then
  redis.call('ZREM', BATCH_PAUSES, id)
end
if not batch.owner then redis.call('ZREM', OPEN_BATCHES, id) end
if batch.owner ~= owner then return 'missing' end
local status, is_over, place = batch.status, batch.completed_at, batch.order or batch.sequence

local function set(...) redis.call('HSET', batch_key(id), ...) end
local function become(new)
  if new == status then return end
  set('status', new)
  emit(id, 'state', {status = new})
end

local function forget_pause()
  redis.call('HDEL', batch_key(id), 'paused', 'paused_at', 'paused_until', 'paused_by', 'paused_reason')
  redis.call('ZREM', BATCH_PAUSES, id)
end

local moves = {}
function moves.finalize()
  if batch.finalized_at then return end
  set('finalized_at', now)
  redis.call('ZREM', OPEN_BATCHES, id)
  redis.call('UNLINK', batch_names_key(id))
  if status == 'open' then become('running') end
  if unfinished(id) == 0 then close_batch(id, 'completed') end
end
function moves.pause()
  if is_over then return status end
  forget_pause()
  set('paused', 1, 'paused_at', now, 'paused_until', ends_at, 'paused_by', by, 'paused_reason', reason)
  if ends_at ~= '' then redis.call('ZADD', BATCH_PAUSES, ends_at, id) end
  stop_batch(id, batch.lane, owner, place)
  become('paused')
end
local function go_on(not_before)
  if status == 'paused' then
    forget_rate(id)
    release_brake(id)
  end
  forget_pause()
  if batch.sample and not sample_goes_on(id, batch.sample) then redis.call('HDEL', batch_key(id), 'sample') end
  start_batch(id, batch.lane, owner, place, not_before)
  become(batch.finalized_at and 'running' or 'open')
end
function moves.resume()
  if is_over then return status end
  if tonumber(batch.not_before or 0) > now then set('not_before', now) end
  go_on()
end
function moves.wake()
  local until_ms, stopped_at = batch_values(id, 'paused_until', 'stopped_at')
  if status ~= 'paused' or tonumber(until_ms or nil) == nil or tonumber(until_ms) > now then return end
  if stopped_at then return redis.call('HDEL', batch_key(id), 'paused_until') and nil end -- it paused itself, too
  go_on(batch.not_before)
end
function moves.cancel()
  if is_over then return status ~= 'canceled' and status or nil end
  stop_batch(id, batch.lane, owner, place)
  redis.call('ZREM', OPEN_BATCHES, id)
  redis.call('ZREM', DELAYED_BATCHES, id)
  forget_pause()
  redis.call('HDEL', batch_key(id), 'stopped_at', 'stopped_by', 'sample')
  set('finalized_at', batch.finalized_at or now, 'swept', 0)
  redis.call('ZADD', BATCH_WORK, now, id)
  become('canceled')
  if unfinished(id) == 0 then close_batch(id, 'canceled') end
end
function moves.delete()
  if not is_over then return status end
  delete_batch(id, owner)
end

if status == 'deleted' then return 'missing' end
local is_withdrawn = status == 'canceled' and batch.swept -- else each of its items was canceled
if is_withdrawn and request ~= 'delete' and request ~= 'cancel' then return status end
local refusal = moves[request]()
if not refusal then note_change(owner, id) end
return refusal or 'ok'
