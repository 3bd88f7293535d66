-- include: records
-- Read the record of a job that is done, as names and values in turn; nothing of another. Changes nothing.
local id = ARGV[1]
return job_value(id, 'completed_at') and redis.call('HGETALL', job_key(id)) or {}
