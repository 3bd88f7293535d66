-- Moves: how a job ends, and how it comes back into its line.
-- Move a job into a terminal status, once and for good.
local function finish(id, status, ...)
  local job = get(id, 'ttl_ms', 'batch', 'index', 'custom_id')
  leave_lines(id)
  tally(id, status)
  redis.call('ZREM', DEADLINES, id)
  redis.call('HDEL', job_key(id), 'progress', 'preview')
  if job[2] then
    change(id, 'status', status, 'completed_at', now, ...)
    redis.call('SREM', held_key(job[2]), id)
    pack(id)
    return note_end(id, job[2], job[3], job[4], status)
  end
  free_inputs(id)
  local expires = now + tonumber(job[1])
  redis.call('ZADD', EXPIRING, expires, id)
  change(id, 'status', status, 'completed_at', now, 'expires_at', expires, ...)
  emit(id, 'state', {status = status})
  note_delivery('job', id, 'job.' .. status)
end

-- Put a running job back into its line; it may be claimed from not_before on.
local function put_back(id, not_before, ...)
  leave_lines(id)
  tally(id, 'queued')
  redis.call('HDEL', job_key(id), 'progress', 'preview', 'worker')
  change(id, 'status', 'queued', 'not_before', not_before, ...)
  enter_line(id, not_before)
  tell(id, 'state', {status = 'queued', not_before = not_before})
end

-- Doubling pause with jitter: base, 2 base, 4 base ..., scaled by `jitter` in 0.5..1.5.
local function backoff(base_ms, failures, jitter)
  return math.floor(base_ms * 2 ^ math.min(failures - 1, 8) * jitter)
end
