-- What is before a queued job, or before the last item of a batch that waits. Changes nothing. ARGV: id, most running
-- jobs that are looked at, then the lanes in the order in which they are served. Returns JSON, '' where the job is not
-- queued; of a batch of which no item is in line, it tells what runs and nothing more: see shared/jobs/queue_place.py.
local id, most = ARGV[1], tonumber(ARGV[2])
local found = {running = {}, others = {}, lanes = {}, starving = {}, pace = fields_of(PACE), now = now}

-- Jobs that are at work, each with its kind of work and the milliseconds since its start.
for _, running in ipairs(redis.call('ZRANGE', LEASES, 0, most - 1)) do
  local job = get(running, 'model', 'work', 'started_at')
  if job[3] then table.insert(found.running, {running, work_of(job[1], job[2]), now - job[3]}) end
end

-- The item of a batch that comes last in its owner's line.
local function last_item(batch)
  local b = redis.call('HMGET', batch_key(batch), 'owner', 'lane', 'sequence')
  local last, highest
  for _, work in ipairs(redis.call('SMEMBERS', works_key(b[2], b[1]))) do
    local entry = redis.call('ZREVRANGEBYSCORE', waits_key(b[2], b[1], work), '(' .. b[3] + 0.5, b[3] - 0.5,
      'WITHSCORES', 'LIMIT', 0, 1)
    if entry[1] and (not highest or tonumber(entry[2]) > highest) then last, highest = entry[1], tonumber(entry[2]) end
  end
  return last
end
if redis.call('EXISTS', batch_key(id)) == 1 then
  id = last_item(id)
  if not id then return cjson.encode(found) end
end

-- A job that follows an equal one goes with it.
local job = get(id, 'status', 'owner', 'follows', 'reuse')
if job[1] ~= 'queued' then return '' end
if job[3] then
  id = redis.call('GET', reuse_key(job[2], job[4])) or id
  found.leader = id
end

local job = get(id, 'status', 'owner', 'lane', 'sequence', 'index', 'batch', 'model', 'work', 'not_before', 'follows')
local owner, lane, batch = job[2], job[3], job[6]
local is_free = job[1] == 'queued' and not job[10]
local stopped = batch and redis.call('HMGET', batch_key(batch), 'paused', 'status')
if not is_free or stopped and (stopped[1] or stopped[2] == 'canceled') then return cjson.encode(found) end

found.lane, found.work, found.pause = lane, work_of(job[7], job[8]), math.max(0, job[9] - now)
local place = redis.call('ZSCORE', waits_key(lane, owner, found.work), id)
if not place then place = order_of(job[4], job[5], true) end -- it waits for its time, or for the reaper
found.ahead = waiting_of(lane, owner, tonumber(place))

-- The other owners of the lane, and which of them have their turn before this one.
local function turn_of(name)
  return tonumber(redis.call('ZSCORE', turns_key(lane), name) or redis.call('HGET', served_key(lane), name) or 0)
end
local own_turn = turn_of(owner)
for _, other in ipairs(redis.call('ZRANGE', turns_key(lane), 0, -1)) do
  if other ~= owner then
    local counts, total = waiting_of(lane, other)
    local turn = turn_of(other)
    local goes_first = turn < own_turn or turn == own_turn and other < owner
    if total > 0 then table.insert(found.others, {counts, total, goes_first}) end
  end
end

-- What waits in the other lanes, and since when each lane was passed over.
for i = 3, #ARGV do
  local counts = {}
  if ARGV[i] ~= lane then
    for _, other in ipairs(redis.call('ZRANGE', turns_key(ARGV[i]), 0, -1)) do
      for work, count in pairs((waiting_of(ARGV[i], other))) do counts[work] = (counts[work] or 0) + count end
    end
    found.lanes[ARGV[i]] = counts
  end
  found.starving[ARGV[i]] = tonumber(redis.call('GET', starving_key(ARGV[i])) or nil)
end
return cjson.encode(found)
