-- include: attempts, moves, removal, places, actions, records
-- Cancel, delete or move the next `most` jobs that a bulk action found. Returns how many found ones are left.
local id, most, tombstone_ms = unpack(ARGV)
local action = fields(action_key(id), 'do', 'of', 'only_status', 'to', 'lane', 'number', 'status')
if action.status ~= 'running' then return 0 end

local acts = {}
function acts.cancel(job, status)
  if status ~= 'queued' and status ~= 'running' then return 'skipped', status end
  end_attempt(job, 'canceled')
  finish(job, 'canceled')
end
function acts.delete(job, status)
  if job_value(job, 'batch') then return 'skipped', 'item' end
  if status == 'queued' or status == 'running' then return 'skipped', status end
  forget_job(job, tombstone_ms)
end
function acts.move(job)
  local outcome = move_job(job, action.of, action.to or '', action.lane or '', tonumber(action.number or nil))
  if outcome ~= 'ok' then return 'skipped', outcome end
end
return act_on_next(id, tonumber(most), action, acts[action['do']])
