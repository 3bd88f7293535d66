-- Reuse: equal jobs of an owner are computed once. One leads; those that came meanwhile follow it, queued but in no
-- line, and take over its result. Bytes that several jobs name are kept until the last of these is forgotten.
local MOST_SETTLED = 50 -- followers that one script moves

-- All fields of a record, those of an ended item as well.
local function whole(id)
  local fields = fields_of(job_key(id))
  if fields.packed then
    for name, value in pairs(cjson.decode(fields.packed)) do fields[name] = value end
  end
  return fields
end

-- The fields of a job that takes over the result of an equal one.
local function result_of(id, done)
  local result = {'outputs', done.outputs, 'model_version', done.model_version, 'model_digest', done.model_digest,
    'cached_from', done.cached_from or id}
  if done.warnings then
    result[#result + 1] = 'warnings'
    result[#result + 1] = done.warnings
  end
  return unpack(result)
end

local function share_outputs(root) redis.call('HINCRBY', SHARERS, root, 1) end

-- A job is forgotten: its bytes become garbage where no other job names them.
local function release_outputs(id)
  local job = whole(id)
  if job.reuse and redis.call('GET', reuse_key(job.owner, job.reuse)) == id then
    redis.call('DEL', reuse_key(job.owner, job.reuse))
  end
  if job.cached_from and redis.call('HINCRBY', SHARERS, job.cached_from, -1) <= 0 then
    redis.call('HDEL', SHARERS, job.cached_from)
    if redis.call('EXISTS', job_key(job.cached_from)) == 0 then
      redis.call('ZADD', GARBAGE, now, 'outputs/' .. job.cached_from .. '/')
    end
  end
  if redis.call('HEXISTS', SHARERS, id) == 0 then redis.call('ZADD', GARBAGE, now, 'outputs/' .. id .. '/') end
end

local function follow(id, leader)
  leave_lines(id)
  redis.call('HSET', job_key(id), 'follows', 1)
  redis.call('RPUSH', followers_key(leader), id)
end

-- Would a new job, that is in line already, start before an equal one that waits?
local function overtakes(id, other)
  if other.status ~= 'queued' then return false end
  if other.lane ~= get(id, 'lane')[1] then return other.lane == 'bulk' end
  return other.batch and other.batch ~= get(id, 'batch')[1] and redis.call('HEXISTS', batch_key(other.batch), 'paused') == 1
end

-- Have a new job follow an unfinished equal one, or lead those that come later.
local function join_equals(id, owner, print)
  local key = reuse_key(owner, print)
  local leader = redis.call('GET', key)
  local other = leader and whole(leader) or {}
  if other.status ~= 'queued' and other.status ~= 'running' then return redis.call('SET', key, id) end
  if not overtakes(id, other) then return follow(id, leader) end
  redis.call('SET', key, id)
  if redis.call('EXISTS', followers_key(leader)) == 1 then redis.call('RENAME', followers_key(leader), followers_key(id)) end
  follow(leader, id)
end

-- The first that still waits leads the others from now on.
local function appoint(id, leader)
  redis.call('HDEL', job_key(leader), 'follows')
  local job = get(leader, 'owner', 'reuse')
  redis.call('SET', reuse_key(job[1], job[2]), leader)
  if redis.call('EXISTS', followers_key(id)) == 1 then redis.call('RENAME', followers_key(id), followers_key(leader)) end
  enter_line(leader, now)
end

-- A restored job joins its equals again, or is found by them.
local function readmit_reuse(id, job)
  if job.cached_from then share_outputs(job.cached_from) end
  if not job.reuse then return end
  if job.status == 'queued' or job.status == 'running' then
    redis.call('HDEL', job_key(id), 'follows')
    join_equals(id, job.owner, job.reuse)
  elseif job.status == 'succeeded' then
    redis.call('SET', reuse_key(job.owner, job.reuse), id)
  end
end
