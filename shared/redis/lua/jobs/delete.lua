-- include: records, removal
-- Forget a terminal job now, as its owner asks. Returns 'ok', 'missing', or what forbids it.
local id, owner, tombstone_ms = unpack(ARGV)
local actual_owner, status, batch = job_values(id, 'owner', 'status', 'batch')
if actual_owner ~= owner then return 'missing' end
if batch then return 'an item of a batch' end -- it goes with its batch
if status == 'queued' or status == 'running' then return status end
forget_job(id, tombstone_ms)
return 'ok'
