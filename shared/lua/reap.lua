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
  local old = P .. 'due:' .. lane
  for _, id in ipairs(redis.call('ZRANGE', old, 0, most)) do
    redis.call('ZREM', old, id)
    local job = get(id, 'status', 'not_before')
    if job[1] == 'queued' then enter_line(id, tonumber(job[2])) end
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
  lanes[#lanes + 1] = {ARGV[i], waiting(ARGV[i], tonumber(ARGV[8]))}
end
return {expired, taken, lanes}
