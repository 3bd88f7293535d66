-- include: records, attempts, moves
-- running -> queued after a transient error, or -> failed when that was the last allowed attempt. Both errors are JSON.
-- Returns the lease state.
local id, attempt, error, exhausted_error, max_attempts, base_ms, jitter = unpack(ARGV)
local state = lease_state(id, attempt)
if state ~= 'ok' then return state end
end_attempt(id, 'transient', cjson.decode(error).code)
local failures = redis.call('HINCRBY', job_key(id), 'failures', 1)
if failures >= tonumber(max_attempts) then
  finish(id, 'failed', 'error', exhausted_error)
  return state
end
put_back(id, now + backoff(tonumber(base_ms), failures, tonumber(jitter)), 'error', error)
return state
