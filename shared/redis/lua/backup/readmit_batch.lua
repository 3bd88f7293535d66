-- Put a restored batch where it belongs. First 'open' for the batch, when its files are there, then 'item' for each of
-- its items, then 'close', which counts what came. ARGV: which, id, milliseconds since the record was read
local which, id, pause = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function name_files(owner, is_over)
  local files = redis.call('HGETALL', batch_files_key(id))
  for i = 1, #files, 2 do
    if redis.call('HGET', file_key(owner, files[i]), 'key') == files[i + 1] then
      name_file(owner, files[i])
      if not is_over then redis.call('SADD', file_users_key(owner, files[i]), id) end
    else
      redis.call('HDEL', batch_files_key(id), files[i])
    end
  end
end

local function open()
  local b = redis.call('HMGET', batch_key(id), 'owner', 'sequence', 'total', 'completed_at')
  redis.call('ZADD', owned_batches_key(b[1]), b[2], id)
  redis.call('HSET', batch_key(id), 'next', b[3], 'counted', b[3], 'queued', 0, 'running', 0, 'succeeded', 0, 'failed', 0, 'canceled', 0,
    'expired', 0)
  forget_rate(id)
  redis.call('HDEL', batch_key(id), 'swept')
  name_files(b[1], b[4])
end

-- An item that had not ended waits again; its batch begins with the first of these.
local function requeue(job)
  if job.status == 'running' then
    redis.call('HINCRBY', job_key(id), 'released', 1)
    end_attempt(id, 'released')
    redis.call('HDEL', job_key(id), 'progress', 'preview', 'worker')
    change(id, 'status', 'queued')
  end
  redis.call('HSET', job_key(id), 'not_before', now)
  if job.deadline_at then
    redis.call('ZADD', DEADLINES, redis.call('HINCRBY', job_key(id), 'deadline_at', pause), id)
  end
  local first = tonumber(redis.call('HGET', batch_key(job.batch), 'next'))
  wait_in(id)
  if tonumber(job.index) < first then redis.call('HSET', batch_key(job.batch), 'next', job.index) end
end

local function item()
  local job = whole(id)
  if not job.batch or redis.call('EXISTS', batch_key(job.batch)) == 0 then return redis.call('DEL', job_key(id)) end
  local is_latest = item_id(job.batch, job.index or 0) == id
  local waits = job.status == 'queued' or job.status == 'running'
  if waits then requeue(job) end
  readmit_reuse(id, job)
  if not is_latest then return end
  redis.call('HINCRBY', batch_key(job.batch), waits and 'queued' or job.status, 1)
  local index = job.index or 0
  if job.status == 'failed' or job.status == 'expired' then redis.call('ZADD', batch_dead_key(job.batch), index, index) end
end

-- What ended after the list was read comes last, in the order in which it ended.
local function complete_finished(total)
  local key, listed, late = batch_finished_key(id), {}, {}
  for _, name in ipairs(redis.call('LRANGE', key, 0, -1)) do listed[name] = true end
  for index = 0, total - 1 do
    local job = item_id(id, index)
    local name = string.match(job, '%-(.*)$')
    if not listed[name] and redis.call('HEXISTS', job_key(job), 'packed') == 1 then
      late[#late + 1] = {name, tonumber(whole(job).completed_at)}
    end
  end
  table.sort(late, function(a, b) return a[2] < b[2] end)
  for _, entry in ipairs(late) do redis.call('RPUSH', key, entry[1]) end
end

local function close()
  local b = fields_of(batch_key(id))
  local came = 0
  for _, status in ipairs({'queued', 'succeeded', 'failed', 'canceled', 'expired'}) do came = came + tonumber(b[status]) end
  if came < tonumber(b.total) then -- it was deleted while it was read
    redis.call('ZREM', owned_batches_key(b.owner), id)
    redis.call('HSET', batch_key(id), 'status', 'deleted', 'swept', 0)
    return redis.call('ZADD', BATCH_WORK, now, id)
  end
  complete_finished(tonumber(b.total))
  if b.completed_at then
    return redis.call('ZADD', EXPIRING, redis.call('HINCRBY', batch_key(id), 'expires_at', pause), id)
  end
  if not b.finalized_at then redis.call('ZADD', OPEN_BATCHES, now, id) end
  if b.finalized_at and unfinished(id) == 0 then
    close_batch(id, b.status == 'canceled' and 'canceled' or 'completed')
  elseif b.status == 'canceled' then
    stop_batch(id, b.lane, b.owner, b.sequence)
    redis.call('ZADD', BATCH_WORK, now, id)
  elseif b.paused then
    stop_batch(id, b.lane, b.owner, b.sequence)
  else
    line_up(b.lane, b.owner, b.sequence, id)
  end
end

local steps = {open = open, item = item, close = close}
steps[which]()
