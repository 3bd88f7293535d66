-- include: records, queues, moves, changes
-- A client's request: running -> queued, taken from its worker and not counted; or the end of a queued job's pause.
-- Either may be claimed at once. Returns 'ok', 'missing', or the status that forbids it.
local id, owner = unpack(ARGV)
local actual_owner, status, waits_for = job_values(id, 'owner', 'status', 'waits_for')
if actual_owner ~= owner then return 'missing' end
if waits_for then return 'waiting for ' .. waits_for end
if status == 'running' then
  put_back_uncounted(id, now, 'requeued')
elseif status == 'queued' then
  redis.call('HDEL', job_key(id), 'follows') -- it waits for no equal job any more
  change(id, 'not_before', now)
  enqueue_job(id, now)
  note_change(owner, id)
else
  return status
end
return 'ok'
