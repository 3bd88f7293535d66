-- include: records, attempts, queues, files, webhooks, batch_counts, batches, result_cache, chains, holdings, changes, expiry, totals, versions
-- Moves: how a job ends, and how it comes back into its queue.
local MOST_SETTLED = 50 -- followers that one script moves

-- Count an end, for the rates of the last minutes.
local function count_end(...)
  local key = ended_key(math.floor(now / 60000))
  redis.call('HINCRBY', key, table.concat({...}, ' '), 1)
  redis.call('EXPIRE', key, 3600)
end

-- Count a failed or expired job by its error's code, for its owner and its batch; it is the example, too.
local FAILURES_KEPT = 31 * 24 * 3600 -- seconds; as in shared/jobs/failures.py
local function count_failure(id, owner, batch, code)
  local key = failures_key(owner, math.floor(now / 3600000))
  redis.call('HINCRBY', key, FAILURES .. code, 1)
  redis.call('HSET', key, EXAMPLE .. code, id)
  redis.call('EXPIRE', key, FAILURES_KEPT + 3600)
  if not batch then return end
  redis.call('HINCRBY', batch_key(batch), FAILURES .. code, 1)
  redis.call('HSET', batch_key(batch), EXAMPLE .. code, id)
end

-- Wake those who wait for the end of a job, and for nothing else of it. The stream, of 4 KB, outlives the longest of their
-- waits, 2 s, after which each looks at the record again.
local DONE_KEPT = 2500 -- milliseconds
local function tell_end(id, status)
  redis.call('XADD', done_key(id), '*', 'status', status)
  redis.call('PEXPIRE', done_key(id), DONE_KEPT)
end

-- Move a job into a terminal status, once and for good; its followers and children stay as they are.
local function end_job(id, status, ...)
  local batch, index, custom_id, lane, owner, model, children, parents, taken =
    job_values(id, 'batch', 'index', 'custom_id', 'lane', 'owner', 'model', 'children', 'parents', 'taken')
  if children then table.insert(chain.ended, id) end
  if parents then chain.leave(id, owner, batch, parents, taken) end
  count_end(status, lane, owner, model)
  local first, error = ...
  local code = first == 'error' and cjson.decode(error).code
  if code then count_failure(id, owner, batch, code) end
  count_total('job', status, lane, model, code or '-')
  if status ~= 'succeeded' then
    versioned.note(model, status == 'failed' and 'failed ' .. code or status)
  end
  redis.call('HSET', TOTALS, 'ended_at', now)
  dequeue_job(id)
  count_move(id, status)
  settle_holdings(id, status)
  redis.call('ZREM', DEADLINES, id)
  redis.call('HDEL', job_key(id), 'progress', 'preview', 'follows', 'began')
  if batch then
    change(id, 'status', status, 'completed_at', now, ...)
    redis.call('SREM', batch_held_key(batch), id)
    pack(id)
    return note_end(id, batch, index, custom_id, status)
  end
  free_inputs(id)
  change(id, 'status', status, 'completed_at', now, ...)
  start_to_expire(job_key(id), id, status == 'succeeded')
  emit(id, 'state', {status = status})
  tell_end(id, status)
  note_delivery('job', id, 'job.' .. status)
end

-- A job takes over the result of an equal one.
local function take_over(id, source, done)
  share_outputs(done.cached_from or source)
  count_total('reused', job_value(id, 'model'))
  end_job(id, 'succeeded', result_of(source, done))
end

-- Have the followers of an ended job take over its result, or have the first of them lead the others; some at a time.
local function settle(id)
  local done = full_record(id)
  for _ = 1, MOST_SETTLED do
    local follower = redis.call('LPOP', followers_key(id))
    if not follower then break end
    local status, follows = job_values(follower, 'status', 'follows')
    if status == 'queued' and follows then
      if done.status ~= 'succeeded' then promote(follower, id) break end
      take_over(follower, id, done)
    end
  end
  if redis.call('EXISTS', followers_key(id)) == 1 then return redis.call('ZADD', FOLLOW_WORK, now, id) end
  redis.call('ZREM', FOLLOW_WORK, id)
end

-- Let a new job, which is queued already, take over what an equal one made with the model of this digest on workers of
-- this numerics, as `made_by` has both ('' for none), or follow an equal one that is not done.
local function reuse(id, owner, equality, digest)
  local known = redis.call('GET', reuse_key(owner, equality))
  local done = known and digest ~= '' and full_record(known) or {}
  if done.status ~= 'succeeded' or made_by(done) ~= digest then return join_equals(id, owner, equality) end
  redis.call('SET', reuse_key(owner, equality), id)
  take_over(id, known, done)
end

-- Have a child, which is queued, wait for a parent, end with one, or go into its queue when all are done. `share` is the
-- function `reuse`, of scripts that let it take over the result of an equal job.
local function go_on(id, share)
  local status, waited, not_before, owner, base, digest, parents, batch =
    job_values(id, 'status', 'waits_for', 'not_before', 'owner', 'reuse_base', 'reuse_digest', 'parents', 'batch')
  if status ~= 'queued' then return end
  local waits_for, parent, why = chain.take_outputs(id)
  if waits_for then
    if not waited then dequeue_job(id) end
    if batch then redis.call('SADD', batch_waiting_key(batch), id) end
    return redis.call('HSET', job_key(id), 'waits_for', waits_for)
  end
  redis.call('HDEL', job_key(id), 'waits_for')
  if batch then redis.call('SREM', batch_waiting_key(batch), id) end
  if parent then
    local is_withdrawn = batch and redis.call('HGET', batch_key(batch), 'status') == 'canceled'
    if is_withdrawn then return end_job(id, 'canceled') end
    return end_job(id, 'failed', 'error', chain.error_of_parent(parent, why))
  end
  if waited then
    enqueue_job(id, tonumber(not_before))
    note_change(owner, batch or id)
  end
  if not base then return end
  local equality = chain.equality_of(base, parents, cjson.decode(job_value(id, 'taken')))
  redis.call('HSET', job_key(id), 'reuse', equality)
  share(id, owner, equality, digest)
end

-- Have the children go on of jobs that ended in this script, some of them; the reaper has the rest go on, and all that
-- may have an equal job, where this script does not `share`: it would be the larger for that.
local function settle_children(share)
  local left, later = MOST_SETTLED, {}
  while #chain.ended > 0 and left > 0 do
    local parent = chain.ended[#chain.ended]
    local child = redis.call('SPOP', awaiting_key(parent))
    left = left - 1
    if not child then
      table.remove(chain.ended)
      redis.call('ZREM', AWAITED, parent)
    elseif share or not job_value(child, 'reuse_base') then
      go_on(child, share)
    else
      later[child] = parent
    end
  end
  for child, parent in pairs(later) do redis.call('SADD', awaiting_key(parent), child) end
  for _, parent in pairs(later) do redis.call('ZADD', AWAITED, 0, parent) end
  for _, parent in ipairs(chain.ended) do redis.call('ZADD', AWAITED, 0, parent) end
end

local function finish(id, status, ...)
  end_job(id, status, ...)
  if redis.call('EXISTS', followers_key(id)) == 1 then settle(id) end
  if #chain.ended > 0 then settle_children() end
end

-- A new job, which is queued already, names outputs of these parents.
local function begin_chain(id, found)
  redis.call('HSET', job_key(id), 'parents', found.parents, 'depth', found.depth or 0)
  go_on(id, reuse)
end

-- Put a running job back into its queue; it may be claimed from not_before on.
local function put_back(id, not_before, ...)
  dequeue_job(id)
  count_move(id, 'queued')
  redis.call('HDEL', job_key(id), 'progress', 'preview', 'worker', 'began')
  change(id, 'status', 'queued', 'not_before', not_before, ...)
  enqueue_job(id, not_before)
  emit_of_job(id, 'state', {status = 'queued', not_before = not_before})
end

-- End the running attempt without counting it, and put its job back.
local function put_back_uncounted(id, not_before, outcome, code, stored_nothing)
  redis.call('HINCRBY', job_key(id), 'released', 1)
  end_attempt(id, outcome, code, nil, stored_nothing)
  put_back(id, not_before)
end

-- Doubling pause with jitter: base, 2 base, 4 base ..., scaled by `jitter` in 0.5..1.5.
local function backoff(base_ms, failures, jitter)
  return math.floor(base_ms * 2 ^ math.min(failures - 1, 8) * jitter)
end
