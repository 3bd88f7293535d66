-- A person's wish about a batch. ARGV: batch, owner, 'finalize', 'pause', 'resume', 'cancel' or 'delete'
-- Returns 'ok', 'missing', or the status that forbids it. Each may be asked twice.
local batch, owner, wish = ARGV[1], ARGV[2], ARGV[3]
local b = redis.call('HMGET', batch_key(batch), 'owner', 'status', 'finalized_at', 'completed_at', 'lane', 'sequence')
if not b[1] then redis.call('ZREM', OPEN_BATCHES, batch) end
if b[1] ~= owner then return 'missing' end
local status, is_over = b[2], b[4]

local function set(...) redis.call('HSET', batch_key(batch), ...) end
local function become(new)
  if new == status then return end
  set('status', new)
  emit(batch, 'state', {status = new})
end
local function awake() return b[3] and 'running' or 'open' end

local moves = {}
function moves.finalize()
  if b[3] then return end
  set('finalized_at', now)
  redis.call('ZREM', OPEN_BATCHES, batch)
  redis.call('UNLINK', batch_names_key(batch))
  if status == 'open' then become('running') end
  if unfinished(batch) == 0 then close_batch(batch, 'completed') end
end
function moves.pause()
  if is_over then return status end
  set('paused', 1)
  stop_batch(batch, b[5], owner, b[6])
  become('paused')
end
function moves.resume()
  if is_over then return status end
  if status == 'paused' then forget_rate(batch) end
  redis.call('HDEL', batch_key(batch), 'paused')
  redis.call('ZREM', stopped_key(b[5], owner), batch)
  line_up(b[5], owner, b[6], batch)
  if redis.call('EXISTS', batch_held_key(batch)) == 1 then redis.call('ZADD', BATCH_WORK, now, batch) end
  become(awake())
end
function moves.cancel()
  if is_over then return status ~= 'canceled' and status or nil end
  stop_batch(batch, b[5], owner, b[6])
  redis.call('ZREM', OPEN_BATCHES, batch)
  redis.call('HDEL', batch_key(batch), 'paused')
  set('finalized_at', b[3] or now, 'swept', 0)
  redis.call('ZADD', BATCH_WORK, now, batch)
  become('canceled')
  if unfinished(batch) == 0 then close_batch(batch, 'canceled') end
end
function moves.delete()
  if not is_over then return status end
  redis.call('ZREM', owned_batches_key(owner), batch)
  redis.call('ZREM', EXPIRING, batch)
  set('status', 'deleted', 'swept', 0)
  redis.call('ZADD', BATCH_WORK, now, batch)
end

if status == 'deleted' then return 'missing' end
if status == 'canceled' and wish ~= 'delete' and wish ~= 'cancel' then return status end
return moves[wish]() or 'ok'
