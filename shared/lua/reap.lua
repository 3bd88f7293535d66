-- End jobs whose deadline passed, take back expired leases, and name the jobs whose doorbell must be rung.
-- ARGV: ring ms, crash budget, base ms, jitter, errors (JSON): lost too often, queued too long, running too long,
--       most deadlines and most leases, then pairs: a lane, and how many of its waiting jobs may be rung.
-- Returns the expired ids, the taken back ids, then the jobs to ring, each as {id, lane, age in ms, 1 where it
-- goes ahead of all others: it was running already}.
local ring_ms, most = tonumber(ARGV[1]), ARGV[8]
local expired = redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(expired) do
  local error = get(id, 'status')[1] == 'running' and ARGV[7] or ARGV[6]
  end_attempt(id, 'expired')
  finish(id, 'expired', 'error', error)
end

local rung = {}
local function ring(id, lane, ahead)
  redis.call('ZADD', due_key(lane), now + ring_ms, id)
  rung[#rung + 1] = {id, lane, now - tonumber(redis.call('HGET', job_key(id), 'created_at')), ahead}
end

local taken = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(taken) do
  local crashes = redis.call('HINCRBY', job_key(id), 'crashes', 1)
  end_attempt(id, 'lost')
  if crashes >= tonumber(ARGV[2]) then
    finish(id, 'failed', 'error', ARGV[5])
  elseif crashes == 1 then -- seldom the job's fault: no pause
    put_back(id, now, 0)
    ring(id, get(id, 'lane')[1], 1)
  else
    put_back(id, now + backoff(tonumber(ARGV[3]), crashes - 1, tonumber(ARGV[4])), 0)
  end
end
for i = 9, #ARGV, 2 do
  local lane = ARGV[i]
  local due = redis.call('ZRANGEBYSCORE', due_key(lane), '-inf', now, 'LIMIT', 0, ARGV[i + 1])
  for _, id in ipairs(due) do ring(id, lane, 0) end
end
return {expired, taken, rung}
