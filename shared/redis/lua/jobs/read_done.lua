-- include: records
-- Read the record of a job that is done, as names and values in turn: none where the job is gone, and nil while it is
-- not done. Changes nothing.
local id = ARGV[1]
local owner, completed_at = job_values(id, 'owner', 'completed_at')
return (completed_at or not owner) and redis.call('HGETALL', job_key(id)) or false
