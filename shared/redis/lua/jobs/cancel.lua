-- queued or running -> canceled, at once; a running attempt notices at its next beat or report. ARGV: id, owner
local job = get(ARGV[1], 'owner', 'status')
if not job[1] or job[1] ~= ARGV[2] then return 'missing' end
if job[2] == 'canceled' then return 'ok' end
if job[2] ~= 'queued' and job[2] ~= 'running' then return job[2] end
end_attempt(ARGV[1], 'canceled')
finish(ARGV[1], 'canceled')
return 'ok'
