-- include: records, waits, turns, hold, pauses, limits, versions
-- What is before a queued job, or before the last item of a batch that waits. Changes nothing. `most_running` is how
-- many running jobs it looks at; `most_of_owner` is how many may run at once of an owner without a quota, 0 for any
-- number. `own_only` is '1' where nothing counts but what the same owner has, for those who must learn nothing of others;
-- else ''. Then come the lanes in the order in which they are served. Returns JSON, '' where the job is not queued; of a
-- batch of which no item is queued, and of what is paused without an end, what runs and no more: see
-- shared/jobs/queue_place.py.
local id, most_running, most_of_owner, own_only = unpack(ARGV)
local FIRST_LANE = 5 -- among the arguments
-- A job that is submitted only now: a JSON object of its owner, lane, model and kind of work in the place of an id.
local new = string.sub(id, 1, 1) == '{' and cjson.decode(id) or nil
local is_batch = not new and redis.call('EXISTS', batch_key(id)) == 1
local job, batch
if new then
  job, batch = new, {}
  job.status, job.sequence, job.not_before = 'queued', math.huge, now
elseif not is_batch then
  job, batch = waiting_job(id)
  if job.status ~= 'queued' then return '' end
end
local alone = own_only == '1' and (job and job.owner or batch_values(id, 'owner'))
local durations = all_fields(alone and owned_durations_key(alone) or DURATIONS)
local found = {running = {}, lanes = {}, starving = {}, durations = durations, now = now}
if is_batch then
  found.hold = hold_of_batch(id, own_only == '1', most_of_owner)
elseif not new then
  found.hold = hold_of_job(job, batch, own_only == '1', most_of_owner)
end
found.model_limits = limits_of_models()

-- Jobs that run, each with its kind of work, the milliseconds since its start, its owner and its worker.
for _, running in ipairs(redis.call('ZRANGE', LEASES, 0, most_running - 1)) do
  local model, work, started_at, whose, worker = job_values(running, 'model', 'work', 'started_at', 'owner', 'worker')
  if started_at and (not alone or whose == alone) then
    table.insert(found.running, {running, work_of(model, work), now - started_at, whose, worker})
  end
end

-- The item of a batch that comes last in its owner's queue, of those that are paused for longest.
local function last_item(batch)
  local owner, lane, sequence, order, sample = batch_values(batch, 'owner', 'lane', 'sequence', 'order', 'sample')
  local number = order or sequence
  local after = string.format('(%.17g', sample and order_of(number, sample) or number + 0.5)
  local last, highest, longest
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    local entry = redis.call('ZREVRANGEBYSCORE', waits_key(lane, owner, work),
      after, number - 0.5, 'WITHSCORES', 'LIMIT', 0, 1)
    local item, order = entry[1], tonumber(entry[2])
    local pause = item and pause_of(lane, owner, model_of(work))
    local held = pause and pause.holds_until or 0
    if item and (not highest or held > longest or held == longest and order > highest) then
      last, highest, longest = item, order, held
    end
  end
  return last
end

-- Of a batch's kinds of work whose models have a limit, what is before the last item of each: these may be done last.
local function limited_ahead(batch)
  local owner, lane, sequence, order, sample = batch_values(batch, 'owner', 'lane', 'sequence', 'order', 'sample')
  local number, found_ahead = order or sequence, {}
  local after = string.format('(%.17g', sample and order_of(number, sample) or number + 0.5)
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    local last = found.model_limits[versioned.name_of(model_of(work))] and redis.call('ZREVRANGEBYSCORE', waits_key(lane, owner, work),
      after, number - 0.5, 'WITHSCORES', 'LIMIT', 0, 1)[2]
    if last then found_ahead[work] = startable_of(lane, owner, tonumber(last)) end
  end
  return found_ahead
end
if is_batch then
  found.limited = limited_ahead(id)
  found.waiting = redis.call('SCARD', batch_waiting_key(id))
  id = last_item(id)
  if not id then return cjson.encode(found) end
  job, batch = waiting_job(id)
  if job.status ~= 'queued' then return '' end
end

-- A job that follows an equal one goes with it, and one that takes the output of another comes after it: `after` has the
-- kinds of work of these.
local owner = job.owner
for _ = 1, 64 do
  local goes_with = job.waits_for or job.follows and redis.call('GET', reuse_key(owner, job.reuse))
  if not goes_with then break end
  if job.waits_for then
    found.after = found.after or {}
    table.insert(found.after, work_of(job.model, job.work))
  end
  id, found.leader = goes_with, goes_with
  job, batch = waiting_job(id)
end

local lane = job.lane
local pause = pause_of(lane, owner, job.model)
local holds_until = pause and pause.holds_until
if batch.paused then holds_until = math.max(holds_until or 0, tonumber(batch.paused_until or nil) or math.huge) end
local is_over = job.status ~= 'queued' or batch.status == 'canceled'
local starts_nothing = is_over or job.follows or is_after(batch.sample, job.index)
if starts_nothing or holds_until == math.huge then return cjson.encode(found) end

found.lane, found.work, found.pause = lane, work_of(job.model, job.work), math.max(0, job.not_before - now)
local place = redis.call('ZSCORE', waits_key(lane, owner, found.work), id)
if not place then -- it waits for its time, or for the reaper
  place = order_of(batch.order or job.order or job.sequence, job.index, true)
end
found.ahead = startable_of(lane, owner, tonumber(place))

-- The items of its own batch that go before it, where the batch is paused or waits for its time: these wait as long.
local is_batch_early = tonumber(batch.not_before or 0) > now
local function batch_ahead()
  local counts = {}
  if not (batch.paused or is_batch_early) then return counts end
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    local first, before = (batch.order or job.sequence) - 0.5, string.format('(%.17g', tonumber(place))
    local count = redis.call('ZCOUNT', waits_key(lane, owner, work), first, before)
    if count > 0 then counts[work] = count end
  end
  return counts
end
if is_batch_early then found.pause = batch.not_before - now end
found.batch_ahead = batch_ahead()

-- Of a paused job, how long it still is, and which of its owner's jobs wait before it for the end of theirs.
if holds_until then
  found.held, found.held_ahead = math.max(0, holds_until - now), {}
  for work, count in pairs((waiting_of(lane, owner, tonumber(place)))) do
    found.held_ahead[work] = count - (found.ahead[work] or 0)
  end
end

-- An owner in a lane: its turns, and how many of its jobs may run at once; 0 for any number.
local function turns_of(each, name)
  local limit, weight = values(quota_key(name), 'running', 'weight')
  weight = tonumber(weight or 1)
  local turn = tonumber(redis.call('ZSCORE', turns_key(each), name) or turn_of_absent(each, name, weight))
  local served = tonumber(redis.call('HGET', served_key(each), OF_LANE) or 0)
  return {owner = name, turn = turn, later = turn_from(turn, served, weight), weight = weight,
    limit = tonumber(limit or most_of_owner)}
end
found.turns = turns_of(lane, owner)

-- What waits in the lanes beside what is before the job, by owner; and since when each lane was passed over.
for i = FIRST_LANE, #ARGV do
  local each, lines = ARGV[i], {}
  for _, other in ipairs(alone and {alone} or redis.call('ZRANGE', turns_key(each), 0, -1)) do
    local counts, total = {}, 0
    if each ~= lane or other ~= owner then counts, total = startable_of(each, other) end
    if total > 0 then table.insert(lines, {turns_of(each, other), counts}) end
  end
  found.lanes[each] = lines
  if not alone then found.starving[each] = tonumber(redis.call('GET', starving_key(each)) or nil) end
end
return cjson.encode(found)
