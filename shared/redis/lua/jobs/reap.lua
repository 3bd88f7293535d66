-- include: records, waits, turns, attempts, queues, batches, chains, moves, limits
-- End jobs whose deadline passed, reclaim expired leases, enqueue what waited for its time, and count what waits. The
-- errors are JSON: for a job that was lost too often, was queued too long, ran too long; `lease_ms` is how
-- long a lease lasts. After the named arguments come the lanes, each with the models that its live workers may run, with
-- blanks between them, '*' for any. Returns the expired ids, the reclaimed ids, then {lane, jobs that can be started now, one of the
-- entries} for each lane.
local crash_budget, base_ms, jitter, lost_error, queued_error, running_error, most, most_counted, lease_ms = unpack(ARGV)
local FIRST_LANE = 10 -- among the arguments
local MOST_CHECKED = 64 -- at the front of each queue, in one pass
local MOST_OWNERS = 512 -- of a lane that are looked at; as in claim.lua
crash_budget, base_ms, jitter, most_counted = tonumber(crash_budget), tonumber(base_ms), tonumber(jitter), tonumber(most_counted)
lease_ms = tonumber(lease_ms)

-- Time goes on where the clock was set back, as by a new primary that has its own, until that has caught up. Where it
-- made a leap, or the server was away, leases say nothing of their workers: each gets a whole one, in which who lives
-- prolongs it.
if own_time + (seen[2] or 0) < looked - 1000 then
  redis.call('HSET', CLOCK, 'ahead', string.format('%.0f', looked - own_time))
elseif seen[2] and own_time >= looked then
  redis.call('HDEL', CLOCK, 'ahead')
end
if seen[1] and now > looked + math.max(2 * lease_ms, 5000) then
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do redis.call('ZADD', LEASES, now + lease_ms, id) end
end
if now >= looked + 1000 then redis.call('HSET', CLOCK, 'looked', now) end

local expired = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now, 'LIMIT', 0, most)) do
  local status = job_value(id, 'status')
  if chain.is_unfinished(status) then -- else it has ended with a job before it, whose output it was to take
    end_attempt(id, 'expired')
    finish(id, 'expired', 'error', status == 'running' and running_error or queued_error)
    expired[#expired + 1] = id
  end
end

local reclaimed = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(reclaimed) do
  local crashes = redis.call('HINCRBY', job_key(id), 'crashes', 1)
  end_attempt(id, 'lost')
  if crashes >= crash_budget then
    finish(id, 'failed', 'error', lost_error)
  else
    -- The first crash is seldom the job's fault: no pause. Later ones double it.
    local pause = crashes == 1 and 0 or backoff(base_ms, crashes - 1, jitter)
    put_back(id, now + pause)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, most)) do enqueue_job(id, now) end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DELAYED_BATCHES, '-inf', now, 'LIMIT', 0, most)) do wake_batch(id) end

-- Note what an older Atelier, before this one or beside it, enqueued or dequeued without a note of what waits. An item is
-- noted once it is near the front, a job that is none at once. All in one function: the script has few names left.
local function note_lane(lane)
  local function is_waiting(id)
    local status, follows, waits_for = job_values(id, 'status', 'follows', 'waits_for')
    return status == 'queued' and not follows and not waits_for
  end

  local function note_jobs()
    local old = old_lane_key(lane)
    for _, id in ipairs(redis.call('ZRANGE', old, 0, most)) do
      redis.call('ZREM', old, id)
      if is_waiting(id) and not redis.call('ZSCORE', DELAYED, id) then wait_in(id) end
    end
  end

  local function note_items(batch)
    local next_index, total, counted = batch_values(batch, 'next', 'total', 'counted')
    if counted == total then return end
    local from = math.max(tonumber(next_index), tonumber(counted or 0))
    local to = math.min(from + MOST_CHECKED, tonumber(total))
    for index = from, to - 1 do
      local id = item_id(batch, index)
      if is_waiting(id) then wait_in(id) end
    end
    redis.call('HSET', batch_key(batch), 'counted', to)
  end

  local function note_queue(owner)
    for _, entry in ipairs(redis.call('ZRANGE', queue_key(lane, owner), 0, MOST_CHECKED - 1)) do
      if redis.call('EXISTS', batch_key(entry)) == 1 then note_items(entry)
      elseif job_value(entry, 'batch') and is_waiting(entry) then wait_in(entry, true) end
    end
    for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
      local key = waits_key(lane, owner, work)
      for _, id in ipairs(redis.call('ZRANGE', key, 0, MOST_CHECKED - 1)) do
        if job_value(id, 'status') ~= 'queued' then redis.call('ZREM', key, id) end
      end
      if redis.call('EXISTS', key) == 0 then redis.call('SREM', works_key(lane, owner), work) end
    end
  end

  local function note_turns()
    local served = redis.call('HGET', served_key(lane), OF_LANE)
    local latest = served and string.format('(%.17g', served + 1)
    local late = served and redis.call('ZRANGEBYSCORE', turns_key(lane), latest, '+inf', 'LIMIT', 0, most) or {}
    for _, owner in ipairs(late) do redis.call('ZADD', turns_key(lane), served + 1, owner) end
  end

  note_jobs()
  note_turns()
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(lane), 0, MOST_CHECKED - 1)) do note_queue(owner) end
end

-- How many jobs of a lane could be started now, as far as they are counted, and the entry that comes first.
local function startable(lane, models)
  local count, first = 0, ''
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(lane), 0, MOST_OWNERS - 1)) do
    for work, waiting in pairs((waiting_of(lane, owner))) do
      if not is_blocked(lane, owner, work, models) then
        count = count + waiting
        first = first ~= '' and first or redis.call('ZRANGE', queue_key(lane, owner), 0, 0)[1] or ''
      end
    end
    if count >= most_counted then return most_counted, first end
  end
  return count, first
end

local lanes = {}
for i = FIRST_LANE, #ARGV, 2 do
  local lane, models = ARGV[i], listed_models(ARGV[i + 1])
  note_lane(lane)
  lanes[#lanes + 1] = {lane, startable(lane, models)}
end
return {expired, reclaimed, lanes}
