-- Take back expired leases and name the jobs whose doorbell must be rung again.
-- ARGV: ring ms, crash budget, base ms, jitter, error when lost too often (JSON), most leases,
--       then pairs: a lane, and how many of its jobs may be rung.
-- Returns the taken back ids, then the jobs to ring, each as {id, lane, age in ms}.
local ring_ms = tonumber(ARGV[1])
local taken = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, ARGV[6])
for _, id in ipairs(taken) do
  local crashes = redis.call('HINCRBY', job_key(id), 'crashes', 1)
  if crashes >= tonumber(ARGV[2]) then
    finish(id, 'failed', 'error', ARGV[5])
  else
    -- The first crash is seldom the job's fault: no pause. Later ones double it.
    local pause = crashes == 1 and 0 or backoff(tonumber(ARGV[3]), crashes - 1, tonumber(ARGV[4]))
    put_back(id, now + pause, 0)
  end
end
local rung = {}
for i = 7, #ARGV, 2 do
  local lane = ARGV[i]
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', due_key(lane), '-inf', now, 'LIMIT', 0, ARGV[i + 1])) do
    redis.call('ZADD', due_key(lane), now + ring_ms, id)
    rung[#rung + 1] = {id, lane, now - tonumber(redis.call('HGET', job_key(id), 'created_at'))}
  end
end
return {taken, rung}
