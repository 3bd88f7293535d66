-- End jobs whose deadline passed, take back expired leases, wake what waited for its time, and say what waits.
-- ARGV: crash budget, base ms, jitter, errors (JSON): lost too often, queued too long, running too long,
--       most of each, most waiting that are counted, then the lanes
-- Returns the expired ids, the taken back ids, then {lane, claimable jobs, one of the entries} for each lane.
local most = ARGV[7]
local expired = redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(expired) do
  local error = get(id, 'status')[1] == 'running' and ARGV[6] or ARGV[5]
  end_attempt(id, 'expired')
  finish(id, 'expired', 'error', error)
end

local taken = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(taken) do
  local crashes = redis.call('HINCRBY', job_key(id), 'crashes', 1)
  end_attempt(id, 'lost')
  if crashes >= tonumber(ARGV[1]) then
    finish(id, 'failed', 'error', ARGV[4])
  else
    -- The first crash is seldom the job's fault: no pause. Later ones double it.
    local pause = crashes == 1 and 0 or backoff(tonumber(ARGV[2]), crashes - 1, tonumber(ARGV[3]))
    put_back(id, now + pause)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, most)) do enter_line(id, now) end

-- What an older Atelier left in line: ids by the time of their next ring.
local function adopt(lane)
  local old = old_due_key(lane)
  for _, id in ipairs(redis.call('ZRANGE', old, 0, most)) do
    redis.call('ZREM', old, id)
    local job = get(id, 'status', 'not_before')
    if job[1] == 'queued' then enter_line(id, tonumber(job[2])) end
  end
end

-- What an older Atelier, before this one or beside it, put into lines or took out without a note of what waits. An
-- item is noted once it is near the front, a job that is none at once.
local MOST_CHECKED = 64 -- at the front of each line, in one pass

local function is_waiting(id)
  local job = get(id, 'status', 'follows')
  return job[1] == 'queued' and not job[2]
end

local function note_jobs(lane)
  local old = old_lane_key(lane)
  for _, id in ipairs(redis.call('ZRANGE', old, 0, most)) do
    redis.call('ZREM', old, id)
    if is_waiting(id) and not redis.call('ZSCORE', DELAYED, id) then wait_in(id) end
  end
end

local function note_items(batch)
  local b = redis.call('HMGET', batch_key(batch), 'next', 'total', 'counted')
  if b[3] == b[2] then return end
  local from = math.max(tonumber(b[1]), tonumber(b[3] or 0))
  local to = math.min(from + MOST_CHECKED, tonumber(b[2]))
  for index = from, to - 1 do
    local id = item_id(batch, index)
    if is_waiting(id) then wait_in(id) end
  end
  redis.call('HSET', batch_key(batch), 'counted', to)
end

local function note_line(lane, owner)
  for _, entry in ipairs(redis.call('ZRANGE', line_key(lane, owner), 0, MOST_CHECKED - 1)) do
    if redis.call('EXISTS', batch_key(entry)) == 1 then note_items(entry)
    elseif get(entry, 'batch')[1] and is_waiting(entry) then wait_in(entry, true) end
  end
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    local key = waits_key(lane, owner, work)
    for _, id in ipairs(redis.call('ZRANGE', key, 0, MOST_CHECKED - 1)) do
      if get(id, 'status')[1] ~= 'queued' then redis.call('ZREM', key, id) end
    end
    if redis.call('EXISTS', key) == 0 then redis.call('SREM', works_key(lane, owner), work) end
  end
end

local function weight(entry)
  local batch = redis.call('HMGET', batch_key(entry), 'next', 'total')
  return batch[1] and tonumber(batch[2]) - tonumber(batch[1]) or 1
end

-- How many jobs of a lane could be claimed now, as far as `limit`, and the entry that comes first.
local function waiting(lane, limit)
  local count, first = 0, ''
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(lane), 0, limit)) do
    for _, entry in ipairs(redis.call('ZRANGE', line_key(lane, owner), 0, limit)) do
      count, first = count + weight(entry), first ~= '' and first or entry
      if count >= limit then return limit, first end
    end
  end
  return count, first
end

local lanes = {}
for i = 9, #ARGV do
  adopt(ARGV[i])
  note_jobs(ARGV[i])
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(ARGV[i]), 0, MOST_CHECKED - 1)) do note_line(ARGV[i], owner) end
  lanes[#lanes + 1] = {ARGV[i], waiting(ARGV[i], tonumber(ARGV[8]))}
end
return {expired, taken, lanes}
