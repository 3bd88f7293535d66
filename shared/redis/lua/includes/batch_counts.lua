-- include: records, holdings, changes
-- Counts: jobs of an owner that wait; of a batch its items by status, and the rate at which they end.
local FAILURES, EXAMPLE = 'failures ', 'example ' -- with an error's code: fields; as in shared/jobs/failures.py

-- Count a move of a job, before its status changes.
local function count_move(id, to)
  local batch, from, index, owner = job_values(id, 'batch', 'status', 'index', 'owner')
  hold(owner, 'queued', (to == 'queued' and 1 or 0) - (from == 'queued' and 1 or 0))
  note_change(owner, batch or id)
  if not batch then return end
  if to == 'failed' or to == 'expired' then redis.call('ZADD', batch_dead_key(batch), index, index) end
  redis.call('HINCRBY', batch_key(batch), from, -1)
  redis.call('HINCRBY', batch_key(batch), to, 1)
end

local function unfinished(batch)
  local queued, running = batch_values(batch, 'queued', 'running')
  return queued + running
end

-- What the rate is computed from: when an item first started, and how many were done since.
local function note_start(batch) redis.call('HSETNX', batch_key(batch), 'began_at', now) end

local function note_done(batch, status)
  local was_done = status == 'succeeded' or status == 'failed'
  if not was_done or redis.call('HEXISTS', batch_key(batch), 'began_at') == 0 then return end
  redis.call('HINCRBY', batch_key(batch), 'done_since', 1)
  redis.call('HSET', batch_key(batch), 'last_end', now)
end

-- A time in which the batch could do nothing is over.
local function forget_rate(batch) redis.call('HDEL', batch_key(batch), 'began_at', 'done_since', 'last_end') end
