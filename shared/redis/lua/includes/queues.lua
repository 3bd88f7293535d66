-- include: records, waits
-- Queues: which jobs may be claimed, in which order.
-- Make an entry claimable: a job's id, or a batch's for its next items. Entries of an owner go by order of
-- acceptance; owners take turns (claim.lua).
local function enqueue(lane, owner, sequence, entry)
  redis.call('ZADD', queue_key(lane, owner), sequence, entry)
  if not redis.call('ZSCORE', turns_key(lane), owner) then
    redis.call('ZADD', turns_key(lane), redis.call('HGET', served_key(lane), owner) or 0, owner)
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

-- Let no item of a batch be claimed.
local function stop_batch(batch, lane, owner, sequence)
  redis.call('ZREM', queue_key(lane, owner), batch)
  redis.call('ZADD', stopped_key(lane, owner), sequence, batch)
end

-- Let no item of a batch be claimed after its sample.
local function stop_after_sample(batch, lane, owner, sequence, sample)
  redis.call('ZADD', stopped_key(lane, owner), order_of(sequence, sample), batch)
end
