-- Moves: how a job ends, and how it comes back into its line.
-- Move a job into a terminal status, once and for good, without a look at those that follow it.
local function end_job(id, status, ...)
  local job = get(id, 'ttl_ms', 'batch', 'index', 'custom_id')
  leave_lines(id)
  tally(id, status)
  redis.call('ZREM', DEADLINES, id)
  redis.call('HDEL', job_key(id), 'progress', 'preview', 'follows', 'began')
  if job[2] then
    change(id, 'status', status, 'completed_at', now, ...)
    redis.call('SREM', batch_held_key(job[2]), id)
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

-- Have those that follow an ended job take over its result, or have the first of them lead the others; some at a
-- time. Returns whether there are more.
local function settle(id)
  local done = whole(id)
  for _ = 1, MOST_SETTLED do
    local follower = redis.call('LPOP', followers_key(id))
    if not follower then break end
    local waits = get(follower, 'status', 'follows')
    if waits[1] == 'queued' and waits[2] then
      if done.status ~= 'succeeded' then appoint(id, follower) break end
      share_outputs(done.cached_from or id)
      end_job(follower, 'succeeded', result_of(id, done))
    end
  end
  if redis.call('EXISTS', followers_key(id)) == 1 then return redis.call('ZADD', FOLLOW_WORK, now, id) end
  redis.call('ZREM', FOLLOW_WORK, id)
end

local function finish(id, status, ...)
  end_job(id, status, ...)
  if redis.call('EXISTS', followers_key(id)) == 1 then settle(id) end
end

-- Let a new job that is in line take over what an equal one made with the model of this digest ('' for none), or
-- follow an equal one that is not done.
local function reuse(id, owner, print, digest)
  local known = redis.call('GET', reuse_key(owner, print))
  local done = known and digest ~= '' and whole(known) or {}
  if done.status ~= 'succeeded' or done.model_digest ~= digest then return join_equals(id, owner, print) end
  redis.call('SET', reuse_key(owner, print), id)
  share_outputs(done.cached_from or known)
  end_job(id, 'succeeded', result_of(known, done))
end

-- Put a running job back into its line; it may be claimed from not_before on.
local function put_back(id, not_before, ...)
  leave_lines(id)
  tally(id, 'queued')
  redis.call('HDEL', job_key(id), 'progress', 'preview', 'worker', 'began')
  change(id, 'status', 'queued', 'not_before', not_before, ...)
  enter_line(id, not_before)
  tell(id, 'state', {status = 'queued', not_before = not_before})
end

-- Doubling pause with jitter: base, 2 base, 4 base ..., scaled by `jitter` in 0.5..1.5.
local function backoff(base_ms, failures, jitter)
  return math.floor(base_ms * 2 ^ math.min(failures - 1, 8) * jitter)
end
