-- include: records, waits, attempts, queues, files, batch_counts, batches, result_cache, chains, removal, holdings, expiry
-- Put a restored batch where it belongs. First 'open' for the batch, when its files are there, then 'item' for each of
-- its items, then 'close', which counts what came. `passed_ms` is the time since the record was read.
local step, id, passed_ms = unpack(ARGV)

local function readmit_files(owner, is_over)
  for file, object in pairs(all_fields(batch_files_key(id))) do
    if redis.call('HGET', file_key(owner, file), 'key') == object then
      add_reference(owner, file)
      if not is_over then redis.call('SADD', file_users_key(owner, file), id) end
    else
      redis.call('HDEL', batch_files_key(id), file)
    end
  end
end

local function open()
  local owner, sequence, total, completed_at, swept =
    batch_values(id, 'owner', 'sequence', 'total', 'completed_at', 'swept')
  redis.call('ZADD', owned_batches_key(owner), sequence, id)
  redis.call('HSET', batch_key(id), 'next', total, 'counted', total, 'queued', 0, 'running', 0,
    'succeeded', 0, 'failed', 0, 'canceled', 0, 'expired', 0)
  forget_rate(id)
  redis.call('HDEL', batch_key(id), 'moved_from')
  if swept then redis.call('HSET', batch_key(id), 'swept', 0) end
  readmit_files(owner, completed_at)
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
    redis.call('ZADD', DEADLINES, redis.call('HINCRBY', job_key(id), 'deadline_at', passed_ms), id)
  end
  hold(job.owner, 'queued', 1)
  local first = tonumber(redis.call('HGET', batch_key(job.batch), 'next'))
  if job.waits_for then return end -- it goes into a queue by itself, as one that came back
  wait_in(id)
  if tonumber(job.index) < first then redis.call('HSET', batch_key(job.batch), 'next', job.index) end
end

local function item()
  local job = full_record(id)
  if not job.batch or redis.call('EXISTS', batch_key(job.batch)) == 0 then return redis.call('DEL', job_key(id)) end
  local index = job.index or 0
  local is_latest = item_id(job.batch, index) == id
  local waits = job.status == 'queued' or job.status == 'running'
  if waits then requeue(job) end
  readmit_equal(id, job)
  if waits and job.parents then chain.readmit(id, job) end
  if not is_latest then return end
  redis.call('HINCRBY', batch_key(job.batch), waits and 'queued' or job.status, 1)
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
      late[#late + 1] = {name = name, completed_at = tonumber(full_record(job).completed_at)}
    end
  end
  table.sort(late, function(a, b) return a.completed_at < b.completed_at end)
  for _, entry in ipairs(late) do redis.call('RPUSH', key, entry.name) end
end

local function close()
  local batch = all_fields(batch_key(id))
  local place = batch.order or batch.sequence
  local came = 0
  for _, status in ipairs({'queued', 'succeeded', 'failed', 'canceled', 'expired'}) do
    came = came + tonumber(batch[status])
  end
  if came < tonumber(batch.total) then return delete_batch(id, batch.owner) end -- it was deleted while it was read
  complete_finished(tonumber(batch.total))
  if batch.source and not batch.finalized_at then redis.call('ZADD', IMPORTS, now, id) end
  if batch.destination and not batch.exported_at then redis.call('ZADD', EXPORTS, now, id) end
  if batch.pinned_at then redis.call('ZADD', owned_pinned_key(batch.owner), batch.pinned_at, id) end
  if batch.completed_at then
    if batch.pinned_at then return end
    if batch.succeeded ~= '0' then list_result(batch_key(id), id) end
    return redis.call('ZADD', EXPIRING, redis.call('HINCRBY', batch_key(id), 'expires_at', passed_ms), id)
  end
  if not batch.finalized_at and not batch.source then redis.call('ZADD', OPEN_BATCHES, now, id) end
  if batch.finalized_at and unfinished(id) == 0 then
    close_batch(id, batch.status == 'canceled' and 'canceled' or 'completed')
  elseif batch.status == 'canceled' then
    stop_batch(id, batch.lane, batch.owner, place)
    redis.call('ZADD', BATCH_WORK, now, id)
  elseif batch.paused then
    if tonumber(batch.paused_until or nil) then redis.call('ZADD', BATCH_PAUSES, batch.paused_until, id) end
    stop_batch(id, batch.lane, batch.owner, place)
  else
    start_batch(id, batch.lane, batch.owner, place, batch.not_before)
    show_sample(id)
  end
end

local steps = {open = open, item = item, close = close}
steps[step]()
