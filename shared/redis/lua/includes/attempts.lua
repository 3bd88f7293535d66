-- include: records, usage, totals
-- Attempts: which may change its job, what becomes of its bytes, and how it ended.
local MAX_HISTORY = 20 -- ended attempts that a record names: the latest

-- Is `attempt` the one that may still change the job? Returns 'ok', 'canceled', 'expired' or 'lost'.
local function lease_state(id, attempt)
  local status, current = job_values(id, 'status', 'attempt')
  if status == 'running' and current == attempt then return 'ok' end
  if status == 'canceled' or status == 'expired' then return status end
  return 'lost'
end

-- Put on the garbage list what the record will not name: all that a losing attempt stored, a winning one's previews.
-- Its worker may be dead, or may store more yet: that is an orphan, and found by its age.
local function discard(id, attempt, outcome)
  local stored = 'outputs/' .. id .. '/' .. attempt .. '/'
  if outcome ~= 'succeeded' then
    redis.call('ZADD', GARBAGE, now, stored)
  elseif redis.call('HEXISTS', job_key(id), 'preview') == 1 then
    redis.call('ZADD', GARBAGE, now, stored .. 'previews/')
  end
end

-- Note how the running attempt ended, and what it made, before the move that ends it. A job that does not run has none to
-- end.
local function end_attempt(id, outcome, code, made, stored_nothing)
  local status, attempt, worker, started_at, text, batch, owner, model, key =
    job_values(id, 'status', 'attempt', 'worker', 'started_at', 'history', 'batch', 'owner', 'model', 'key')
  if status ~= 'running' then return end
  if batch then key = redis.call('HGET', batch_key(batch), 'key') end
  note_usage(owner, key, model, started_at, outcome, made)
  count_total('attempt', outcome, model, code or '-')
  if not stored_nothing then discard(id, attempt, outcome) end
  if outcome == 'succeeded' and not text and batch then return end -- the item's record has the same facts
  local history = text and cjson.decode(text) or {}
  history[#history + 1] = {number = tonumber(attempt), worker = worker, started_at = tonumber(started_at),
    ended_at = math.max(now, tonumber(started_at)), outcome = outcome, code = code}
  if #history > MAX_HISTORY then table.remove(history, 1) end
  redis.call('HSET', job_key(id), 'history', cjson.encode(history))
end
