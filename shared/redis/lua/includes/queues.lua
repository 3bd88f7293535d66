-- include: records, waits, turns
-- Queues: which jobs may be claimed, in which order.
-- Make an entry claimable: a job's id, or a batch's for its next items. Entries of an owner go by the
-- number of their place: that of their acceptance, unless they were moved (places.lua). Owners take turns.
local function enqueue(lane, owner, number, entry)
  redis.call('ZADD', queue_key(lane, owner), number, entry)
  if not redis.call('ZSCORE', turns_key(lane), owner) then
    redis.call('ZADD', turns_key(lane), turn_of_absent(lane, owner, weight_of(owner)), owner)
  end
end

local function enqueue_job(id, not_before)
  if not_before > now then return redis.call('ZADD', DELAYED, not_before, id) end
  local lane, owner, order = wait_in(id, true)
  redis.call('ZREM', DELAYED, id)
  enqueue(lane, owner, order, id)
end

-- Take a job out of the running ones, or out of all that waits.
local function dequeue_job(id)
  if redis.call('ZREM', LEASES, id) == 1 then return pass_time(redis.call('ZCARD', LEASES) + 1) end
  local lane, owner = wait_out(id)
  redis.call('ZREM', queue_key(lane, owner), id)
  redis.call('ZREM', DELAYED, id)
end

-- Note from which place on no item of a batch may be claimed, or that all may.
local function hold_places(batch, lane, owner, place)
  redis.call('ZADD', stopped_key(lane, owner), place, batch)
  redis.call('SADD', stopped_owners_key(lane), owner)
end

local function free_places(batch, lane, owner)
  local was_held = redis.call('ZREM', stopped_key(lane, owner), batch) == 1
  if was_held and redis.call('EXISTS', stopped_key(lane, owner)) == 0 then
    redis.call('SREM', stopped_owners_key(lane), owner)
  end
end

-- Let no item of a batch be claimed.
local function stop_batch(batch, lane, owner, number)
  redis.call('ZREM', queue_key(lane, owner), batch)
  hold_places(batch, lane, owner, number)
end

-- Let no item of a batch be claimed after its sample, if it runs one.
local function stop_after_sample(batch, lane, owner, number)
  local sample = batch_values(batch, 'sample')
  if sample then hold_places(batch, lane, owner, order_of(number, sample)) end
end

-- Let the items of a batch be claimed, from its time on: until then it is one entry, however many items it has.
local function start_batch(batch, lane, owner, number, not_before)
  if tonumber(not_before or 0) > now then
    redis.call('ZADD', DELAYED_BATCHES, not_before, batch)
    return stop_batch(batch, lane, owner, number)
  end
  redis.call('ZREM', DELAYED_BATCHES, batch)
  free_places(batch, lane, owner)
  stop_after_sample(batch, lane, owner, number)
  enqueue(lane, owner, number, batch)
  if redis.call('EXISTS', batch_held_key(batch)) == 1 then redis.call('ZADD', BATCH_WORK, now, batch) end
end
