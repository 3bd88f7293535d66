-- running -> queued after a transient error, or -> failed when that was the last allowed attempt.
-- ARGV: id, attempt, error (JSON), error when exhausted (JSON), max attempts, base ms, jitter
local id = ARGV[1]
local how = lease_state(id, ARGV[2])
if how ~= 'ok' then return how end
end_attempt(id, 'transient', cjson.decode(ARGV[3]).code)
local failures = redis.call('HINCRBY', job_key(id), 'failures', 1)
if failures >= tonumber(ARGV[5]) then
  finish(id, 'failed', 'error', ARGV[4])
  return how
end
put_back(id, now + backoff(tonumber(ARGV[6]), failures, tonumber(ARGV[7])), 'error', ARGV[3])
return how
