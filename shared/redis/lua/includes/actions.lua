-- include: records, webhooks
-- Bulk actions: jobs are found and counted some at a time, and each is acted on and counted in one step. So none counts
-- twice or is left out, whichever process goes on.
local ACTION_TTL_MS = 7 * 24 * 3600 * 1000 -- of the record of one that is over

local function end_action(id, status)
  redis.call('HSET', action_key(id), 'status', status, 'completed_at', now, 'expires_at', now + ACTION_TTL_MS)
  redis.call('PEXPIRE', action_key(id), ACTION_TTL_MS)
  redis.call('DEL', action_jobs_key(id))
  redis.call('ZREM', ACTION_WORK, id)
  note_delivery('action', id, 'action.' .. status)
  if redis.call('HEXISTS', action_key(id), 'webhook') == 1 then redis.call('ZADD', EXPIRING, now + ACTION_TTL_MS, id) end
end

local function end_if_over(id)
  local status, cursor = values(action_key(id), 'status', 'cursor')
  local left = redis.call('LLEN', action_jobs_key(id))
  if status == 'running' and cursor == '' and left == 0 then end_action(id, 'completed') end
  return left
end

-- Act on the next `most` jobs of an action by a function of a job's id and status, which returns nil where it is done, and
-- else 'skipped' or 'failed', and why. Returns how many found ones are left.
local function act_on_next(id, most, action, act)
  for _ = 1, most do
    local job = redis.call('LPOP', action_jobs_key(id))
    if not job then break end
    local owner, status = job_values(job, 'owner', 'status')
    local outcome, why
    if owner ~= action.of then outcome, why = 'skipped', 'gone'
    elseif action.only_status and status ~= action.only_status then outcome, why = 'skipped', status
    else outcome, why = act(job, status) end
    redis.call('HINCRBY', action_key(id), outcome and outcome .. ' ' .. why or 'done', 1)
  end
  return end_if_over(id)
end
