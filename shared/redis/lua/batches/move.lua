-- include: records, queues, batch_counts, batches, removal, changes
-- A client's request about a batch: 'finalize', 'pause', 'resume', 'cancel' or 'delete'. Each may come twice.
-- Returns 'ok', 'missing', or the status that forbids it.
local id, owner, request = unpack(ARGV)
local batch = fields(batch_key(id), 'owner', 'status', 'finalized_at', 'completed_at', 'lane', 'sequence', 'order',
  'not_before', 'sample')
if not batch.owner then redis.call('ZREM', OPEN_BATCHES, id) end
if batch.owner ~= owner then return 'missing' end
local status, is_over, place = batch.status, batch.completed_at, batch.order or batch.sequence

local function set(...) redis.call('HSET', batch_key(id), ...) end
local function become(new)
  if new == status then return end
  set('status', new)
  emit(id, 'state', {status = new})
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
  set('paused', 1)
  stop_batch(id, batch.lane, owner, place)
  become('paused')
end
function moves.resume()
  if is_over then return status end
  if status == 'paused' then
    forget_rate(id)
    release_brake(id)
  end
  redis.call('HDEL', batch_key(id), 'paused')
  if batch.sample and not sample_goes_on(id, batch.sample) then redis.call('HDEL', batch_key(id), 'sample') end
  if tonumber(batch.not_before or 0) > now then set('not_before', now) end
  start_batch(id, batch.lane, owner, place)
  become(batch.finalized_at and 'running' or 'open')
end
function moves.cancel()
  if is_over then return status ~= 'canceled' and status or nil end
  stop_batch(id, batch.lane, owner, place)
  redis.call('ZREM', OPEN_BATCHES, id)
  redis.call('ZREM', DELAYED_BATCHES, id)
  redis.call('HDEL', batch_key(id), 'paused', 'stopped_at', 'stopped_by', 'sample')
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
if status == 'canceled' and request ~= 'delete' and request ~= 'cancel' then return status end
local refusal = moves[request]()
if not refusal then note_change(owner, id) end
return refusal or 'ok'
