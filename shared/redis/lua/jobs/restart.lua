-- A person's wish: running -> queued, taken from its worker and not counted; or the end of a queued job's pause.
-- Either may be claimed at once. ARGV: id, owner
-- Returns 'ok', 'missing', or the status that forbids it.
local id = ARGV[1]
local job = get(id, 'owner', 'status')
if not job[1] or job[1] ~= ARGV[2] then return 'missing' end
if job[2] == 'running' then
  redis.call('HINCRBY', job_key(id), 'released', 1)
  end_attempt(id, 'requeued')
  put_back(id, now)
elseif job[2] == 'queued' then
  redis.call('HDEL', job_key(id), 'follows') -- where it followed another it goes its own way now
  change(id, 'not_before', now)
  enter_line(id, now)
else
  return job[2]
end
return 'ok'
