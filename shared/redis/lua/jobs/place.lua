-- include: records, waits, turns, hold
-- What is before a queued job, or before the last item of a batch that waits. Changes nothing. `most_running` is how
-- many running jobs it looks at; `most_of_owner` is how many may run at once of an owner without a quota, 0 for any
-- number. `own_only` is '1' where nothing counts but what the same owner has, for those who must learn nothing of others;
-- else ''. Then come the lanes in the order in which they are served. Returns JSON, '' where the job is not queued; of a
-- batch of which no item is queued, what runs and no more: see shared/jobs/queue_place.py.
local id, most_running, most_of_owner, own_only = unpack(ARGV)
local FIRST_LANE = 5 -- among the arguments
-- A job that is submitted only now: a JSON object of its owner, lane, model and kind of work in the place of an id.
local new = string.sub(id, 1, 1) == '{' and cjson.decode(id) or nil
local alone = own_only == '1' and (new and new.owner or job_value(id, 'owner') or batch_values(id, 'owner'))
local durations = all_fields(alone and owned_durations_key(alone) or DURATIONS)
local found = {running = {}, lanes = {}, starving = {}, durations = durations, now = now}
found.hold = hold_of(id, own_only == '1', most_of_owner)

-- Jobs that run, each with its kind of work and the milliseconds since its start.
for _, running in ipairs(redis.call('ZRANGE', LEASES, 0, most_running - 1)) do
  local model, work, started_at, runner = job_values(running, 'model', 'work', 'started_at', 'owner')
  if started_at and (not alone or runner == alone) then
    table.insert(found.running, {running, work_of(model, work), now - started_at, runner})
  end
end

-- The item of a batch that comes last in its owner's queue.
local function last_item(batch)
  local owner, lane, sequence, order, sample = batch_values(batch, 'owner', 'lane', 'sequence', 'order', 'sample')
  local number = order or sequence
  local after = string.format('(%.17g', sample and order_of(number, sample) or number + 0.5)
  local last, highest
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    local entry = redis.call('ZREVRANGEBYSCORE', waits_key(lane, owner, work),
      after, number - 0.5, 'WITHSCORES', 'LIMIT', 0, 1)
    local item, order = entry[1], tonumber(entry[2])
    if item and (not highest or order > highest) then last, highest = item, order end
  end
  return last
end
if redis.call('EXISTS', batch_key(id)) == 1 then
  id = last_item(id)
  if not id then return cjson.encode(found) end
end

-- A job that follows an equal one goes with it.
local status, owner, follows, equality = job_values(id, 'status', 'owner', 'follows', 'reuse')
if new then status, owner, follows = 'queued', new.owner, nil end
if status ~= 'queued' then return '' end
if follows then
  id = redis.call('GET', reuse_key(owner, equality)) or id
  found.leader = id
end

local job = new or fields(job_key(id), 'status', 'lane', 'sequence', 'order', 'index', 'batch', 'model', 'work', 'not_before',
  'follows')
if new then job.status, job.sequence, job.not_before = 'queued', math.huge, now end
local lane = job.lane
local batch = job.batch and fields(batch_key(job.batch), 'paused', 'status', 'order', 'not_before', 'sample') or {}
local is_stopped = batch.paused or batch.status == 'canceled' or is_after(batch.sample, job.index)
if job.status ~= 'queued' or job.follows or is_stopped then return cjson.encode(found) end

found.lane, found.work, found.pause = lane, work_of(job.model, job.work), math.max(0, job.not_before - now)
local place = redis.call('ZSCORE', waits_key(lane, owner, found.work), id)
if not place then -- it waits for its time, or for the reaper
  place = order_of(batch.order or job.order or job.sequence, job.index, true)
end
found.ahead = waiting_of(lane, owner, tonumber(place))

-- The items of its own batch that go before it, where the batch waits for its time: these wait as long as it does.
local function batch_ahead()
  local counts = {}
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    local first, before = (batch.order or job.sequence) - 0.5, string.format('(%.17g', tonumber(place))
    local count = redis.call('ZCOUNT', waits_key(lane, owner, work), first, before)
    if count > 0 then counts[work] = count end
  end
  return counts
end
if tonumber(batch.not_before or 0) > now then
  found.pause = batch.not_before - now
  found.batch_ahead = batch_ahead()
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
    if each ~= lane or other ~= owner then counts, total = waiting_of(each, other) end
    if total > 0 then table.insert(lines, {turns_of(each, other), counts}) end
  end
  found.lanes[each] = lines
  if not alone then found.starving[each] = tonumber(redis.call('GET', starving_key(each)) or nil) end
end
return cjson.encode(found)
