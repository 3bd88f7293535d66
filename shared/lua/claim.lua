-- queued -> running: the only way to start an attempt. ARGV: id, worker, lease ms,
--       the newest record schema that the worker reads
-- Returns the record; nothing where the job may not be claimed now; 'newer' where the worker is too old for it.
local id = ARGV[1]

-- A job that lost two workers may have killed them. A worker runs one of these at a time, so that the one that
-- kills takes no other along attempt after attempt, until that one's crash budget is spent as well.
local function is_suspect(job) return tonumber(get(job, 'crashes')[1]) > 1 end
local function holds_suspect(worker)
  for _, other in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    if get(other, 'worker')[1] == worker and is_suspect(other) then return true end
  end
  return false
end

local job = get(id, 'status', 'not_before', 'deadline_at', 'schema')
if job[1] ~= 'queued' or tonumber(job[2]) > now then return {} end
if job[3] and tonumber(job[3]) <= now then return {} end -- the reaper is about to end it
if tonumber(job[4]) > tonumber(ARGV[4]) then return {'newer'} end
if is_suspect(id) and holds_suspect(ARGV[2]) then return {} end -- rung again soon
leave_lines(id)
local attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
change(id, 'status', 'running', 'worker', ARGV[2], 'started_at', now)
redis.call('ZADD', LEASES, now + tonumber(ARGV[3]), id)
emit(id, 'state', {status = 'running', attempt = attempt})
if attempt == 1 then note_delivery('job', id, 'job.started') end
return redis.call('HGETALL', job_key(id))
