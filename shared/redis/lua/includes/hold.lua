-- include: records, waits, pauses, limits
-- Holds: what keeps a queued job, or the next item of a batch, from starting, as far as the records say. What the workers
-- have and lack is compared with it in shared/jobs/reasons.py.
local MOST_DELAYED = 256 -- looked at for items of a batch that pause

-- Jobs that run: of how many an owner is, and which workers have one that lost two workers; see claim.lua.
local function leased(owner, own_only)
  local running, suspects = 0, {}
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    local holder, worker, crashes = job_values(id, 'owner', 'worker', 'crashes')
    if holder == owner then running = running + 1 end
    if tonumber(crashes or 0) > 1 and (holder == owner or not own_only) then suspects[#suspects + 1] = worker end
  end
  return running, suspects
end

local function hold_of_attempts(why, job, own_only, most_running)
  local limit = tonumber(redis.call('HGET', quota_key(job.owner), 'running') or most_running)
  local is_suspect = tonumber(job.crashes or 0) > 1
  why.model_limit = not own_only and is_at_limit(job.model)
  if limit == 0 and not is_suspect then return why end
  local running, suspects = leased(job.owner, own_only)
  why.quota = limit > 0 and running >= limit
  if is_suspect then why.suspects = suspects end
  return why
end

-- The code of the error that ended a job's latest attempt.
local function last_code(history)
  local ended = history and cjson.decode(history) or {}
  return ended[#ended] and ended[#ended].code
end

-- The holds that end at a time, or never. Of several the one that lasts longest is told.
local function longer(one, other)
  local function lasts(why) return why and (why['until'] or math.huge) or 0 end
  return lasts(other) > lasts(one) and other or one
end

-- Of a batch that is paused: who has done it, and when it goes on by itself.
local function hold_of_batch_pause(batch)
  if not batch.paused then return nil end
  return {reason = 'paused', stopped_by = batch.stopped_by, ['until'] = tonumber(batch.paused_until or nil),
    detail = batch.paused_reason and batch.paused_reason ~= '' and batch.paused_reason or nil}
end

local function hold_of_pause(pause)
  if not pause then return nil end
  local ends = pause.holds_until < math.huge and pause.holds_until or nil
  return {reason = 'paused', detail = pause.reason, ['until'] = ends}
end

local function hold_of_time(reason, at)
  at = tonumber(at or 0)
  return at > now and {reason = reason, ['until'] = at} or nil
end

-- What is asked of a job that waits, and of its batch; empty where it has none.
local function waiting_job(id)
  local job = fields(job_key(id), 'owner', 'status', 'model', 'work', 'lane', 'sequence', 'order', 'index', 'schema',
    'crashes', 'attempt', 'not_before', 'batch', 'follows', 'waits_for', 'reuse', 'history')
  return job, job.batch and fields(batch_key(job.batch), 'paused', 'paused_until', 'paused_reason', 'stopped_by', 'status',
    'order', 'not_before', 'sample') or {}
end

-- Why a job waits, as `waiting_job` found it; nil where it does not.
local function hold_of_job(job, batch, own_only, most_running)
  if job.status ~= 'queued' then return nil end
  local why = hold_of_batch_pause(batch)
  if not why and job.follows then return {reason = 'equal_job'} end
  if not why and job.waits_for then return {reason = 'waits_for', detail = job.waits_for} end
  if not why and is_after(batch.sample, job.index) then return {reason = 'paused', stopped_by = 'sample_first'} end
  why = longer(why, hold_of_pause(pause_of(job.lane, job.owner, job.model)))
  why = longer(why, hold_of_time('not_before', batch.not_before))
  local early = hold_of_time(job.attempt == '0' and 'not_before' or 'backoff', job.not_before)
  if early then early.code = last_code(job.history) end
  why = longer(why, early)
  local needs = {model = job.model, lane = job.lane, further = further_models_of(job.work or ''), schema = tonumber(job.schema)}
  return why or hold_of_attempts(needs, job, own_only, most_running)
end

-- The item of a batch that starts next; if none may start now, the first that pauses, else one that follows an equal job.
local function next_item(batch)
  local owner, lane, sequence, moved_to = batch_values(batch, 'owner', 'lane', 'sequence', 'order')
  local place = moved_to or sequence
  local first, lowest
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    local entry = redis.call('ZRANGEBYSCORE', waits_key(lane, owner, work),
      place - 0.5, '(' .. place + 0.5, 'WITHSCORES', 'LIMIT', 0, 1)
    local order = tonumber(entry[2])
    if order and (not lowest or order < lowest) then first, lowest = entry[1], order end
  end
  if first then return first end
  local prefix = 'job_' .. string.sub(batch, 7) .. '-'
  for _, id in ipairs(redis.call('ZRANGE', DELAYED, 0, MOST_DELAYED - 1)) do
    if string.sub(id, 1, #prefix) == prefix then return id end
  end
end

-- Why a batch of which items are queued waits: nil where nothing of it does.
local function hold_of_batch(id, own_only, most_running)
  local batch = fields(batch_key(id), 'paused', 'paused_until', 'paused_reason', 'stopped_by', 'not_before', 'queued', 'status')
  if tonumber(batch.queued) == 0 or batch.status == 'canceled' then return nil end
  local why = longer(hold_of_batch_pause(batch), hold_of_time('not_before', batch.not_before))
  if why then return why end
  local item = next_item(id) or redis.call('SRANDMEMBER', batch_waiting_key(id))
  if not item then return {reason = 'equal_job'} end
  local job, its_batch = waiting_job(item)
  return hold_of_job(job, its_batch, own_only, most_running)
end
