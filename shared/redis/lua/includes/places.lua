-- include: records, queues, changes
-- Places: what waits goes to the front or the back of its owner's queue, or to the other lane. Its record has the number
-- of its place as `order`, once it was moved.
local MOST_FOLLOWING = 200 -- items that one script moves after their batch

-- A number that comes before all that the owner has, or after it; nil where the place stays what it is.
local function new_number(owner, to)
  if to == 'front' then return redis.call('DECR', owned_front_key(owner)) end
  if to == 'back' then return next_sequence(owner) end
end

-- Move a queued job; `to` and `lane` are '' where they stay, as its pause does. Jobs that are moved under one `number` keep
-- the order of their acceptance. Returns 'ok', 'missing', or what forbids it: the status, 'item', or 'follower' and the
-- id of the job whose result it takes over.
local function move_job(id, owner, to, lane, number)
  local job = fields(job_key(id), 'owner', 'status', 'batch', 'follows', 'waits_for', 'reuse', 'lane', 'order',
    'sequence', 'not_before')
  if job.owner ~= owner then return 'missing' end
  if job.status ~= 'queued' then return job.status end
  if job.batch then return 'item' end
  if job.follows then return 'follower', redis.call('GET', reuse_key(owner, job.reuse)) end
  dequeue_job(id)
  number = number or new_number(owner, to)
  local order = number and string.format('%.17g', number + job.sequence / 2 ^ 32) or job.order or job.sequence
  lane = lane ~= '' and lane or job.lane
  change(id, 'lane', lane, 'order', order)
  if not job.waits_for then enqueue_job(id, tonumber(job.not_before)) end
  emit(id, 'moved', {lane = lane, to = to ~= '' and to or nil})
  note_change(owner, id)
  return 'ok'
end

-- Have the items that wait at an old place of their batch follow it; returns whether there may be more.
local function follow_from(old_lane, old_number, batch)
  local lane, owner, shift = batch.lane, batch.owner, (batch.order or batch.sequence) - old_number
  if old_lane == lane and shift == 0 then return false end
  for _, work in ipairs(redis.call('SMEMBERS', works_key(old_lane, owner))) do
    local old_key = waits_key(old_lane, owner, work)
    local found = redis.call('ZRANGEBYSCORE', old_key, old_number - 0.5, '(' .. old_number + 0.5, 'WITHSCORES',
      'LIMIT', 0, MOST_FOLLOWING)
    for i = 1, #found, 2 do
      local id, order = found[i], string.format('%.17g', found[i + 1] + shift)
      redis.call('ZREM', old_key, id)
      redis.call('ZADD', waits_key(lane, owner, work), order, id)
      if lane ~= old_lane then redis.call('HSET', job_key(id), 'lane', lane) end
      if redis.call('ZREM', queue_key(old_lane, owner), id) == 1 then enqueue(lane, owner, order, id) end
    end
    if #found > 0 then
      redis.call('SADD', works_key(lane, owner), work)
      return true
    end
  end
  return false
end

-- Go on with the move of a batch; returns whether there is more to do. New items, and those that come back, go to its
-- new place at once.
local function follow_batch(id)
  local batch = fields(batch_key(id), 'owner', 'lane', 'sequence', 'order', 'moved_from')
  local old_lane, old_number, rest = string.match(batch.moved_from or '', '^(%S+) (%S+);(.*)$')
  if not old_lane then return false end
  if follow_from(old_lane, tonumber(old_number), batch) then return true end
  redis.call('HSET', batch_key(id), 'moved_from', rest)
  if rest == '' then redis.call('HDEL', batch_key(id), 'moved_from') end
  return rest ~= ''
end
