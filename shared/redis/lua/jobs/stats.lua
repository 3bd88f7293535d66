-- include: records, waits
-- What waits, runs, and has ended in the last minutes, by lane, owner and kind of work. Changes nothing. Takes the most
-- rows of what waits and of what runs, and the number of minutes; then come the lanes. Returns JSON: see
-- shared/jobs/stats.py.
local most_rows, minutes = tonumber(ARGV[1]), tonumber(ARGV[2])
local FIRST_LANE = 3 -- among the arguments
local found = {waiting = {}, running = {}, ended = {}, durations = all_fields(DURATIONS), now = now,
  delayed = redis.call('ZCARD', DELAYED), whole = true}

for _, batch in ipairs(redis.call('ZRANGE', DELAYED_BATCHES, 0, most_rows - 1)) do
  found.delayed = found.delayed + (batch_values(batch, 'queued') or 0)
end

-- When the oldest job of a kind was accepted that is in no batch that is paused or canceled.
local function oldest_of(lane, owner, work)
  local key, stopped = waits_key(lane, owner, work), redis.call('ZRANGE', stopped_key(lane, owner), 0, -1, 'WITHSCORES')
  local function first(from) return redis.call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1) end
  local function first_of(from)
    local entry = first(from)
    for i = 2, #stopped, 2 do
      local before, after = stopped_places(stopped[i])
      local place = tonumber(entry[2] or nil)
      if place and place >= before and place < after then entry = first(after) end
    end
    return entry[1] and tonumber(job_value(entry[1], 'created_at') or nil), tonumber(entry[2])
  end
  local oldest, number = first_of('-inf')
  if not oldest or number > 0 then return oldest end
  return math.min(oldest, first_of(0) or oldest) -- what was moved to the front may be younger
end

for i = FIRST_LANE, #ARGV do
  local lane = ARGV[i]
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(lane), 0, -1)) do
    if #found.waiting >= most_rows then found.whole = false break end
    for work, count in pairs((waiting_of(lane, owner))) do
      table.insert(found.waiting, {lane, owner, work, count, oldest_of(lane, owner, work) or now})
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
