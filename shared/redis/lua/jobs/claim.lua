-- queued -> running: the only way to start an attempt.
-- ARGV: a job's id, or '' for the next by turn; worker, lease ms, the newest record schema that the worker reads,
--       most jobs at once, patience ms, then the lanes in the order in which they are served
-- Returns records, each as a flat list; {'newer'} where all that waits is too new for this worker; {'more'} where
-- so much was passed over that the caller should ask again.
local worker, lease, schema = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local most, patience = tonumber(ARGV[5]), tonumber(ARGV[6])
local MOST_LOOKED = 64 -- owners, and entries of one owner that stay where they are
local left_to_pass_over = 1000 -- in one call: a few milliseconds, in which the server does nothing else

local function start(id)
  leave_lines(id)
  tally(id, 'running')
  local attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
  change(id, 'status', 'running', 'worker', worker, 'started_at', now, 'began', pass_time(redis.call('ZCARD', LEASES)))
  redis.call('ZADD', LEASES, now + lease, id)
  tell(id, 'state', {status = 'running', attempt = attempt})
  note_start(id)
  if attempt == 1 then note_delivery('job', id, 'job.started') end
  return redis.call('HGETALL', job_key(id))
end

-- A job that lost two workers may have killed them. A worker runs one of these at a time, so that the one that
-- kills takes no other along attempt after attempt, until that one's crash budget is spent as well.
local function is_suspect(job) return tonumber(get(job, 'crashes')[1]) > 1 end
local function holds_suspect()
  for _, other in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    if get(other, 'worker')[1] == worker and is_suspect(other) then return true end
  end
  return false
end

-- Why a job may not be claimed now; nil where it may.
local function refusal(id)
  local job = get(id, 'status', 'not_before', 'deadline_at', 'schema', 'batch', 'follows')
  if job[1] ~= 'queued' or job[6] then return 'not now' end
  if tonumber(job[2]) > now then return 'early' end
  if job[3] and tonumber(job[3]) <= now then return 'late' end -- the reaper is about to end it
  if tonumber(job[4]) > schema then return 'newer' end
  if job[5] and redis.call('HGET', batch_key(job[5]), 'paused') then return 'paused' end
  if is_suspect(id) and holds_suspect() then return 'suspect' end
end

-- The job that an entry stands for; nil for a batch whose items have all been started.
local function job_of(entry)
  local batch = redis.call('HMGET', batch_key(entry), 'next', 'total')
  if not batch[1] then return entry end
  if tonumber(batch[1]) < tonumber(batch[2]) then return item_id(entry, batch[1]) end
end

-- Pass over what will not be claimed now: a batch goes on to its next item, a job leaves its line.
local function pass_over(lane, owner, entry, id, why)
  left_to_pass_over = left_to_pass_over - 1
  if id then wait_out(id) end
  if id and id ~= entry then redis.call('HINCRBY', batch_key(entry), 'next', 1)
  else redis.call('ZREM', line_key(lane, owner), entry) end
  if why == 'paused' then redis.call('SADD', batch_held_key(get(id, 'batch')[1]), id) end
  if why == 'early' then redis.call('ZADD', DELAYED, get(id, 'not_before')[1], id) end
end

-- The first claimable job of an owner; or why there is none though work waits.
local function first_of(lane, owner)
  local skipped, standing_by = 0, nil
  while skipped < MOST_LOOKED do
    local entry = redis.call('ZRANGE', line_key(lane, owner), skipped, skipped)[1]
    if not entry then break end
    if left_to_pass_over == 0 then return nil, 'more' end
    local id = job_of(entry)
    local why = id and refusal(id)
    if id and not why then
      if id ~= entry then redis.call('HINCRBY', batch_key(entry), 'next', 1) end
      return id, entry
    end
    if why == 'newer' or why == 'suspect' then skipped, standing_by = skipped + 1, why
    else pass_over(lane, owner, entry, id, why) end
  end
  return nil, standing_by
end

-- The next job of a lane: owners take turns, whoever was served longest ago first.
local function next_in(lane)
  local standing_by
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(lane), 0, MOST_LOOKED)) do
    local id, entry = first_of(lane, owner)
    if id then
      local turn = redis.call('INCR', TURN)
      redis.call('ZADD', turns_key(lane), turn, owner)
      redis.call('HSET', served_key(lane), owner, turn)
      return id, entry
    end
    if entry == 'more' then return nil, entry end
    standing_by = standing_by or entry
    if not entry then redis.call('ZREM', turns_key(lane), owner) end
  end
  return nil, standing_by
end

-- A lane that others went before for long has one go, then again ten times as often while it waits; but never two in
-- a row while one that it went before waits: jobs that take longer than the pause between its turns would take all.
local function lanes_in_order()
  local order, was_passed_over = {}, false
  for i = 7, #ARGV do
    local since = redis.call('EXISTS', turns_key(ARGV[i])) == 1 and redis.call('GET', starving_key(ARGV[i]))
    local is_late = since and now - tonumber(since) > patience and not was_passed_over
    was_passed_over = was_passed_over or since
    table.insert(order, is_late and 1 or #order + 1, ARGV[i])
  end
  return order
end

local function note_served(lane)
  for i = 7, #ARGV do
    local key = starving_key(ARGV[i])
    if ARGV[i] == lane then
      local since = redis.call('GET', key)
      local was_late = since and now - tonumber(since) > patience
      if was_late and i > 7 then redis.call('SET', key, now - patience * 0.9) else redis.call('DEL', key) end
    elseif redis.call('EXISTS', turns_key(ARGV[i])) == 1 then
      redis.call('SET', key, now, 'NX')
    end
  end
end

-- More jobs that go well with the first: the next items of the same batch, while they are light.
local function companions(entry, records)
  while #records < most do
    local id = job_of(entry)
    if not id or id == entry or refusal(id) or not get(id, 'light')[1] then return end
    redis.call('HINCRBY', batch_key(entry), 'next', 1)
    records[#records + 1] = start(id)
  end
end

if ARGV[1] ~= '' then
  local why = refusal(ARGV[1])
  if not why then return {start(ARGV[1])} end
  return why == 'newer' and {why} or {}
end
local newer
for _, lane in ipairs(lanes_in_order()) do
  local id, entry = next_in(lane)
  if id then
    local is_light = id ~= entry and get(id, 'light')[1]
    local records = {start(id)}
    if is_light then companions(entry, records) end
    note_served(lane)
    return records
  end
  if entry == 'more' then return {entry} end
  newer = newer or entry == 'newer'
end
return newer and {'newer'} or {}
