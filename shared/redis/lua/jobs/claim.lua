-- include: records, waits, turns, queues, batch_counts, webhooks, pauses, limits, cordons
-- queued -> running: the only way to start an attempt. Takes a job's id, or '' for the next by turn; `schema` is the
-- newest record that the worker reads; of owners that have no quota of their own `most_running` jobs may run at once, 0
-- for any number; `models` are those that the worker may run, with blanks between them, '*' for any. Of two claims of a
-- thread with one `token`, the second gets what the first has started. After the named arguments come the lanes, in the
-- order in which they are served.
-- Returns records, each as a flat list; {'cordoned'} where the worker is to claim nothing; {'newer'} where all that
-- waits is too new for this worker; {'more'} where
-- so much was passed over that the caller should ask again.
local wanted, worker, lease_ms, schema, most_jobs, patience_ms, most_running, models, thread, token =
  unpack(ARGV)
local FIRST_LANE = 11 -- among the arguments
lease_ms, schema, most_jobs, patience_ms = tonumber(lease_ms), tonumber(schema), tonumber(most_jobs), tonumber(patience_ms)
models = listed_models(models)
local MOST_LOOKED = 64 -- entries of one owner that stay where they are
local MOST_OWNERS = 512 -- that have nothing to start now, beside those whose quota is spent
local left_to_pass_over = 1000 -- in one call: a few milliseconds, in which the server does nothing else

-- A record as a flat list, with what its batch keeps: parts of its specification, and by which request it came.
local function whole_record(id, batch)
  local record, parts = redis.call('HGETALL', job_key(id)), batch and job_value(id, 'parts') or ''
  if batch then
    local request_id, trace = batch_values(batch, 'request_id', 'trace')
    for name, value in pairs({request_id = request_id or nil, trace = trace or nil}) do
      record[#record + 1], record[#record + 2] = name, value
    end
  end
  for digest in string.gmatch(parts, '%S+') do
    record[#record + 1] = 'part:' .. digest
    record[#record + 1] = redis.call('HGET', batch_parts_key(batch), digest)
  end
  return record
end

local started = {} -- ids and attempts in turn
local function start(id)
  count_started(id)
  dequeue_job(id)
  count_move(id, 'running')
  local attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
  change(id, 'status', 'running', 'worker', worker, 'started_at', now, 'began', pass_time(redis.call('ZCARD', LEASES)))
  redis.call('ZADD', LEASES, now + lease_ms, id)
  started[#started + 1] = id .. ' ' .. attempt
  local batch = job_value(id, 'batch')
  if batch then note_start(batch) else emit(id, 'state', {status = 'running', attempt = attempt}) end
  if attempt == 1 then note_delivery('job', id, 'job.started') end
  return whole_record(id, batch)
end

-- A reply that is lost on the way leaves jobs with a worker that knows nothing of them: nobody prolongs their leases, and
-- each would count as a crash.
local function note_claimed()
  redis.call('SET', claimed_key(worker, thread), token .. ' ' .. table.concat(started, ' '), 'PX', lease_ms)
end

-- What the same claim has started before, and what still runs of it.
local function started_before()
  local known, pairs_of = string.match(redis.call('GET', claimed_key(worker, thread)) or '', '^(%S+) (.*)$')
  local records = {}
  for id, attempt in string.gmatch(known == token and pairs_of or '', '(%S+) (%S+)') do
    local status, current, batch = job_values(id, 'status', 'attempt', 'batch')
    if status == 'running' and current == attempt then
      redis.call('ZADD', LEASES, now + lease_ms, id)
      records[#records + 1] = whole_record(id, batch)
    end
  end
  return records
end

-- A job that lost two workers may have killed them. A worker runs one of these at a time, so that the one that
-- kills takes no other along attempt after attempt, until that one's crash budget is spent as well.
local function is_suspect(crashes) return tonumber(crashes) > 1 end
local function holds_suspect()
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    local holder, crashes = job_values(id, 'worker', 'crashes')
    if holder == worker and is_suspect(crashes) then return true end
  end
  return false
end

-- Why a job may not be claimed now; nil where it may.
local function refusal(id)
  local status, not_before, deadline_at, job_schema, batch, follows, waits_for, crashes, index, lane, owner, model, work =
    job_values(id, 'status', 'not_before', 'deadline_at', 'schema', 'batch', 'follows', 'waits_for', 'crashes', 'index',
      'lane', 'owner', 'model', 'work')
  if status ~= 'queued' or follows or waits_for then return 'not now' end
  if tonumber(not_before) > now then return 'early' end
  if deadline_at and tonumber(deadline_at) <= now then return 'late' end -- the reaper is about to end it
  if tonumber(job_schema) > schema then return 'newer' end
  if batch and is_held(batch, index) then return 'paused' end
  if is_suspect(crashes) and holds_suspect() then return 'suspect' end
  if is_blocked(lane, owner, work_of(model, work), models) then return 'blocked' end
end

-- The job that an entry of a queue stands for; nil for a batch whose items, or whose sample, have all been started.
local function job_of(entry)
  local next_index, total, sample = batch_values(entry, 'next', 'total', 'sample')
  if not next_index then return entry end
  if tonumber(next_index) < math.min(total, sample or total) then return item_id(entry, next_index) end
end

-- Pass over what will not be claimed now: a batch goes on to its next item, a job leaves its queue.
local function pass_over(lane, owner, entry, id, why)
  left_to_pass_over = left_to_pass_over - 1
  if id then wait_out(id) end
  if id and id ~= entry then redis.call('HINCRBY', batch_key(entry), 'next', 1)
  else redis.call('ZREM', queue_key(lane, owner), entry) end
  if why == 'paused' then redis.call('SADD', batch_held_key(job_value(id, 'batch')), id) end
  if why == 'early' then redis.call('ZADD', DELAYED, job_value(id, 'not_before'), id) end
end

-- The first claimable job of an owner whose first job is of a blocked model, however many of these there are: its id, its
-- batch or itself, and its kind of work. A batch passes over what was started out of turn when it comes to it.
local function first_of_others(lane, owner)
  local heads = {} -- by kind of work
  local function look(work, from)
    local id, order = first_waiting(lane, owner, work, from)
    heads[work] = id and {id = id, order = order}
  end
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    if not is_blocked(lane, owner, work, models) then look(work, '-inf') end
  end
  for _ = 1, MOST_LOOKED do
    local first
    for work, head in pairs(heads) do
      if not first or tonumber(head.order) < tonumber(heads[first].order) then first = work end
    end
    if not first then break end
    local id = heads[first].id
    local why = refusal(id)
    if not why then return id, job_value(id, 'batch') or id, first end
    if why == 'not now' then redis.call('ZREM', waits_key(lane, owner, first), id) end
    look(first, '(' .. heads[first].order)
  end
  return nil, 'blocked'
end

-- The first claimable job of an owner and its entry; or nil, and why, where work waits.
local function first_of(lane, owner)
  local skipped, reason = 0, nil
  while skipped < MOST_LOOKED do
    local entry = redis.call('ZRANGE', queue_key(lane, owner), skipped, skipped)[1]
    if not entry then break end
    if left_to_pass_over == 0 then return nil, 'more' end
    local id = job_of(entry)
    local why = id and refusal(id)
    if id and not why then
      if id ~= entry then redis.call('HINCRBY', batch_key(entry), 'next', 1) end
      return id, entry
    end
    if why == 'blocked' then return first_of_others(lane, owner) end
    if why == 'newer' or why == 'suspect' then skipped, reason = skipped + 1, why
    else pass_over(lane, owner, entry, id, why) end
  end
  return nil, reason
end

-- An owner that could not have its turn, as its quota was spent, had it as late as if it had been away.
local function note_turn(lane, owner, weight)
  local served = tonumber(redis.call('HGET', served_key(lane), OF_LANE) or 0)
  local turn = turn_from(tonumber(redis.call('ZSCORE', turns_key(lane), owner)), served, weight)
  local next_turn = turn_from(turn + 1 / weight, served, weight)
  redis.call('ZADD', turns_key(lane), next_turn, owner)
  redis.call('HSET', served_key(lane), owner, next_turn, OF_LANE, math.max(served, turn))
end

-- The next job of an owner in a lane, as `first_of` gives it.
local function next_of(lane, owner)
  if pause_of(lane, owner) then return nil, 'blocked' end
  local may_start, weight = may_start_one(owner, most_running)
  if not may_start then return nil, 'blocked' end
  local id, found, work = first_of(lane, owner)
  if id then note_turn(lane, owner, tonumber(weight or 1)) end
  return id, found, work
end

-- The next job of a lane: owners take turns.
local function next_in(lane)
  if pause_of(lane) then return end
  local reason
  local from, most = 0, MOST_OWNERS + redis.call('ZCARD', LEASES) -- who has spent its quota holds a lease at least
  while from < most do
    local owners = redis.call('ZRANGE', turns_key(lane), from, from + MOST_LOOKED - 1)
    for _, owner in ipairs(owners) do
      local id, found, work = next_of(lane, owner) -- its entry, or the reason why there is none
      if id or found == 'more' then return id, found, work end
      if found == 'newer' then reason = found end
      if found then from = from + 1 else redis.call('ZREM', turns_key(lane), owner) end
    end
    if #owners < MOST_LOOKED then break end
  end
  return nil, reason
end

-- A lane that others went before for long has one turn, then again ten times as often while it waits; but never two in
-- a row while one that it went before waits: jobs that take longer than the pause between its turns would take all.
local function lanes_in_order()
  local order, was_passed_over = {}, false
  for i = FIRST_LANE, #ARGV do
    local lane = ARGV[i]
    local since = redis.call('EXISTS', turns_key(lane)) == 1 and redis.call('GET', starving_key(lane))
    local is_late = since and now - tonumber(since) > patience_ms and not was_passed_over
    was_passed_over = was_passed_over or since
    table.insert(order, is_late and 1 or #order + 1, lane)
  end
  return order
end

local function note_served(served)
  for i = FIRST_LANE, #ARGV do
    local lane, key = ARGV[i], starving_key(ARGV[i])
    if lane == served then
      local since = redis.call('GET', key)
      local was_late = since and now - tonumber(since) > patience_ms
      if was_late and i > FIRST_LANE then redis.call('SET', key, now - patience_ms * 0.9) else redis.call('DEL', key) end
    elseif redis.call('EXISTS', turns_key(lane)) == 1 then
      redis.call('SET', key, now, 'NX')
    end
  end
end

-- Start more items that go well with the first: the next of the same batch, while they are light.
local function start_batch_mates(batch, records)
  local owner = redis.call('HGET', batch_key(batch), 'owner')
  while #records < most_jobs and may_start_one(owner, most_running) do
    local id = job_of(batch)
    if not id or id == batch or refusal(id) or not job_value(id, 'light') then return end
    redis.call('HINCRBY', batch_key(batch), 'next', 1)
    records[#records + 1] = start(id)
  end
end

-- The same after a start out of turn: the next of the same batch and kind of work.
local function start_alike(lane, batch, work, records)
  local owner = redis.call('HGET', batch_key(batch), 'owner')
  while #records < most_jobs and may_start_one(owner, most_running) do
    local id = first_waiting(lane, owner, work, '-inf')
    local is_mate = id and job_value(id, 'batch') == batch and job_value(id, 'light')
    if not is_mate or refusal(id) then return end
    records[#records + 1] = start(id)
  end
end

local before = started_before()
if #before > 0 then return before end
if is_cordoned(worker) then return {'cordoned'} end
if wanted ~= '' then
  local why = refusal(wanted)
  if not why and may_start_one(job_value(wanted, 'owner'), most_running) then
    local records = {start(wanted)}
    note_claimed()
    return records
  end
  return why == 'newer' and {why} or {}
end
local newer
for _, lane in ipairs(lanes_in_order()) do
  local id, found, work = next_in(lane)
  if id then
    local is_light = id ~= found and job_value(id, 'light')
    local records = {start(id)}
    if is_light and work then start_alike(lane, found, work, records)
    elseif is_light then start_batch_mates(found, records) end
    note_served(lane)
    note_claimed()
    return records
  end
  if found == 'more' then return {found} end
  newer = newer or found == 'newer'
end
return newer and {'newer'} or {}
