-- include: records, attempts, moves
-- queued or running -> canceled, at once; a running attempt notices at its next beat or report.
-- Returns 'ok', 'missing', or the status that forbids it.
local id, owner = unpack(ARGV)
local actual_owner, status = job_values(id, 'owner', 'status')
if actual_owner ~= owner then return 'missing' end
if status == 'canceled' then return 'ok' end
if status ~= 'queued' and status ~= 'running' then return status end
end_attempt(id, 'canceled')
finish(id, 'canceled')
return 'ok'
