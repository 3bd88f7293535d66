-- include: records, waits, pauses
-- What waits, what a pause keeps from starting, what runs, and what has ended in the last minutes, by lane, owner and kind
-- of work. Changes nothing. Takes the most rows of what waits or is paused and of what runs, and the number of minutes;
-- then come the lanes. Returns JSON: see shared/jobs/stats.py.
local most_rows, minutes = tonumber(ARGV[1]), tonumber(ARGV[2])
local FIRST_LANE = 3 -- among the arguments
local found = {waiting = {}, paused = {}, running = {}, ended = {}, durations = all_fields(DURATIONS), now = now,
  delayed = redis.call('ZCARD', DELAYED), whole = true}
local left = most_rows -- rows, and batches of which items are kept from starting, that are still looked at

-- Batches of which `stopped` keeps items that are not paused: they wait for their time, or are canceled.
local not_paused = {}
for _, batch in ipairs(redis.call('ZRANGE', DELAYED_BATCHES, 0, most_rows - 1)) do
  local queued, paused = batch_values(batch, 'queued', 'paused')
  if not paused then
    found.delayed = found.delayed + (queued or 0)
    not_paused[batch] = true
  end
end
for _, batch in ipairs(redis.call('ZRANGE', BATCH_WORK, 0, most_rows - 1)) do
  local status = batch_values(batch, 'status')
  if status == 'canceled' or status == 'deleted' then not_paused[batch] = true end
end

-- When the oldest job of a kind was accepted that is in no batch that is paused or canceled.
local function oldest_of(lane, owner, work)
  local function first_of(from)
    local id, number = first_waiting(lane, owner, work, from)
    return id and tonumber(job_value(id, 'created_at') or nil), tonumber(number)
  end
  local oldest, number = first_of('-inf')
  if not oldest or number > 0 then return oldest end
  return math.min(oldest, first_of(0) or oldest) -- what was moved to the front may be younger
end

local function add(counts, work, count)
  if count > 0 then counts[work] = (counts[work] or 0) + count end
end

-- Items of paused batches that were about to start are kept apart: one call for many batches.
local MOST_AT_ONCE = 500
local function add_held(paused, batches)
  for from = 1, #batches, MOST_AT_ONCE do
    local keys = {}
    for i = from, math.min(from + MOST_AT_ONCE - 1, #batches) do keys[#keys + 1] = batch_held_key(batches[i]) end
    for _, id in ipairs(redis.call('SUNION', unpack(keys))) do add(paused, work_of(job_values(id, 'model', 'work')), 1) end
  end
end

-- How many of an owner's jobs a worker could start, and how many a pause keeps from it, each by kind of work.
local function parts_of(lane, owner)
  local waiting, paused, works, held = {}, {}, redis.call('SMEMBERS', works_key(lane, owner)), {}
  for _, work in ipairs(works) do waiting[work] = redis.call('ZCARD', waits_key(lane, owner, work)) end
  local stopped = redis.call('ZRANGE', stopped_key(lane, owner), 0, -1, 'WITHSCORES')
  for i = 1, #stopped, 2 do
    local first, after = stopped_places(stopped[i + 1])
    local is_paused = not not_paused[stopped[i]]
    if is_paused then held[#held + 1] = stopped[i] end
    for _, work in ipairs(works) do
      local count = redis.call('ZCOUNT', waits_key(lane, owner, work), first, '(' .. after)
      waiting[work] = waiting[work] - count
      if is_paused then add(paused, work, count) end
    end
  end
  add_held(paused, held)
  for work, count in pairs(waiting) do
    if count <= 0 then waiting[work] = nil
    elseif pause_of(lane, owner, model_of(work)) then
      add(paused, work, count)
      waiting[work] = nil
    end
  end
  return waiting, paused
end

local function look_at(lane, owner)
  left = left - redis.call('ZCARD', stopped_key(lane, owner))
  if left <= 0 then found.whole = false return end
  local waiting, paused = parts_of(lane, owner)
  for work, count in pairs(waiting) do
    table.insert(found.waiting, {lane, owner, work, count, oldest_of(lane, owner, work) or now})
    left = left - 1
  end
  for work, count in pairs(paused) do
    table.insert(found.paused, {lane, owner, work, count})
    left = left - 1
  end
end

for i = FIRST_LANE, #ARGV do
  local lane, seen = ARGV[i], {}
  for _, key in ipairs({turns_key(lane), stopped_owners_key(lane)}) do
    local owners = key == turns_key(lane) and redis.call('ZRANGE', key, 0, -1) or redis.call('SMEMBERS', key)
    for _, owner in ipairs(owners) do
      if not seen[owner] then look_at(lane, owner) end
      seen[owner] = true
    end
  end
end

for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, most_rows - 1)) do
  local lane, owner, model, work, started_at = job_values(id, 'lane', 'owner', 'model', 'work', 'started_at')
  if started_at then table.insert(found.running, {lane, owner, work_of(model, work), now - started_at}) end
end
found.whole = found.whole and #found.running == redis.call('ZCARD', LEASES)

local this_minute = math.floor(now / 60000)
for minute = this_minute - minutes + 1, this_minute do
  for what, count in pairs(all_fields(ended_key(minute))) do found.ended[what] = (found.ended[what] or 0) + count end
end
return cjson.encode(found)
