-- Attempts: which may change its job, what becomes of its bytes, and how it ended.
-- Is `attempt` the one that may still change the job? Returns 'ok', 'canceled', 'expired' or 'lost'.
local function lease_state(id, attempt)
  local job = get(id, 'status', 'attempt')
  if job[1] == 'running' and job[2] == attempt then return 'ok' end
  if job[1] == 'canceled' or job[1] == 'expired' then return job[1] end
  return 'lost'
end

local function attempt_prefix(id, attempt) return 'outputs/' .. id .. '/' .. attempt .. '/' end

-- Have swept what the record will not name: all that a losing attempt stored, a winning one's previews. Its worker
-- may be dead, or may store more yet: that is an orphan, and found by its age.
local function discard(id, attempt, outcome)
  local stored = attempt_prefix(id, attempt)
  if outcome ~= 'succeeded' then
    redis.call('ZADD', GARBAGE, now, stored)
  elseif redis.call('HEXISTS', job_key(id), 'preview') == 1 then
    redis.call('ZADD', GARBAGE, now, stored .. 'previews/')
  end
end

-- Note how the running attempt ended, before the move that ends it. A job that does not run has none to end.
local function end_attempt(id, outcome, code)
  local job = get(id, 'status', 'attempt', 'worker', 'started_at', 'history', 'batch')
  if job[1] ~= 'running' then return end
  discard(id, job[2], outcome)
  if outcome == 'succeeded' and not job[5] and job[6] then return end -- the item's record says as much
  local history = job[5] and cjson.decode(job[5]) or {}
  history[#history + 1] = {number = tonumber(job[2]), worker = job[3], started_at = tonumber(job[4]),
    ended_at = now, outcome = outcome, code = code}
  if #history > MAX_HISTORY then table.remove(history, 1) end
  redis.call('HSET', job_key(id), 'history', cjson.encode(history))
end
