-- include: records, waits, queues, holdings
-- Result cache: equal jobs of an owner are computed once. One leads; those that came meanwhile follow it: they are
-- queued but not claimable, and take over its result. Bytes that several jobs name are kept until all are forgotten.

-- The fields of a job that takes over the result of an equal one, as a flat list.
local function result_of(id, done)
  local result = {'outputs', done.outputs, 'model_version', done.model_version, 'model_digest', done.model_digest,
    'cached_from', done.cached_from or id, 'stored_bytes', done.stored_bytes or 0}
  for _, name in ipairs({'warnings', 'numerics', 'precision'}) do
    if done[name] then
      result[#result + 1] = name
      result[#result + 1] = done[name]
    end
  end
  return unpack(result)
end

-- By what a job's result was made: the model's digest and the worker's numerics, where that told it.
local function made_by(done)
  return done.numerics and done.model_digest .. ' ' .. done.numerics or done.model_digest
end

local function share_outputs(source) return redis.call('HINCRBY', SHARERS, source, 1) end

-- One job less names the bytes that another job made. Who did not name them, but read them, gives what they take.
local function unshare(source, owner, bytes)
  if redis.call('HINCRBY', SHARERS, source, -1) > 0 then return end
  redis.call('HDEL', SHARERS, source)
  if redis.call('EXISTS', job_key(source)) == 1 then return end
  redis.call('ZADD', GARBAGE, now, 'outputs/' .. source .. '/')
  hold(owner, 'stored_bytes', -(bytes or 0))
end

-- A job is forgotten: its bytes become garbage where no other job names them.
local function release_outputs(id)
  local job = full_record(id)
  if job.reuse and redis.call('GET', reuse_key(job.owner, job.reuse)) == id then
    redis.call('DEL', reuse_key(job.owner, job.reuse))
  end
  if job.cached_from then unshare(job.cached_from, job.owner, job.stored_bytes) end
  if redis.call('HEXISTS', SHARERS, id) == 1 then return end
  redis.call('ZADD', GARBAGE, now, 'outputs/' .. id .. '/')
  if job.owner and not job.cached_from then hold(job.owner, 'stored_bytes', -(job.stored_bytes or 0)) end
end

local function follow(id, leader)
  dequeue_job(id)
  redis.call('HSET', job_key(id), 'follows', 1)
  redis.call('RPUSH', followers_key(leader), id)
end

local function hand_followers_over(from, to)
  if redis.call('EXISTS', followers_key(from)) == 1 then redis.call('RENAME', followers_key(from), followers_key(to)) end
end

-- From when on a job may start that has not run: its own time, and that of its batch. After an error it pauses, and
-- keeps its place among its equals.
local function start_of(attempt, not_before, batch)
  local time = batch and redis.call('HGET', batch_key(batch), 'not_before')
  return math.max(now, attempt == '0' and tonumber(not_before) or 0, tonumber(time or 0))
end

-- Would a new job, which is queued already, start before an equal one that waits?
local function overtakes(id, other)
  if other.status ~= 'queued' then return false end
  local lane, batch, attempt, not_before = job_values(id, 'lane', 'batch', 'attempt', 'not_before')
  local start = start_of(attempt, not_before, batch)
  local start_of_other = start_of(other.attempt, other.not_before, other.batch)
  if start ~= start_of_other then return start < start_of_other end
  if other.lane ~= lane then return other.lane == 'bulk' end
  return other.batch and other.batch ~= batch and is_held(other.batch, other.index)
end

-- Have a new job follow an unfinished equal one, or lead those that come later. `equality` is the digest of what
-- makes jobs equal.
local function join_equals(id, owner, equality)
  local key = reuse_key(owner, equality)
  local leader = redis.call('GET', key)
  local other = leader and full_record(leader) or {}
  if other.status ~= 'queued' and other.status ~= 'running' then return redis.call('SET', key, id) end
  if not overtakes(id, other) then return follow(id, leader) end
  redis.call('SET', key, id)
  hand_followers_over(leader, id)
  follow(leader, id)
end

-- The first follower that still waits leads the others from now on.
local function promote(follower, id)
  redis.call('HDEL', job_key(follower), 'follows')
  local owner, equality = job_values(follower, 'owner', 'reuse')
  redis.call('SET', reuse_key(owner, equality), follower)
  hand_followers_over(id, follower)
  enqueue_job(follower, tonumber(job_value(follower, 'not_before')))
end

-- The bytes that a restored job stands for: of those that several name, once.
local function readmit_holdings(job)
  local is_first = not job.cached_from
    or share_outputs(job.cached_from) == 1 and redis.call('EXISTS', job_key(job.cached_from)) == 0
  if is_first then hold(job.owner, 'stored_bytes', job.stored_bytes or 0) end
  if job.status == 'queued' or job.status == 'running' then hold(job.owner, 'stored_bytes', job.expected_bytes or 0) end
end

-- A restored job joins its equals again, or is found by them.
local function readmit_equal(id, job)
  readmit_holdings(job)
  if not job.reuse then return end
  if job.status == 'queued' or job.status == 'running' then
    redis.call('HDEL', job_key(id), 'follows')
    join_equals(id, job.owner, job.reuse)
  elseif job.status == 'succeeded' then
    redis.call('SET', reuse_key(job.owner, job.reuse), id)
  end
end
