-- Lines: who may be claimed, in which order.
-- The job of a batch's item: the first, or the latest that was made to try it again.
local function item_id(batch, index)
  local again = redis.call('HGET', batch_again_key(batch), index)
  return 'job_' .. string.sub(batch, 7) .. '-' .. index .. (again and '-' .. again or '')
end

-- Make an entry claimable: a job's id, or a batch's for its next items. Entries of an owner go by order of
-- acceptance; owners take turns (claim.lua).
local function line_up(lane, owner, sequence, entry)
  redis.call('ZADD', line_key(lane, owner), sequence, entry)
  if not redis.call('ZSCORE', turns_key(lane), owner) then
    redis.call('ZADD', turns_key(lane), redis.call('HGET', served_key(lane), owner) or 0, owner)
  end
end

local function leave_lines(id)
  if redis.call('ZREM', LEASES, id) == 1 then return pass_time(redis.call('ZCARD', LEASES) + 1) end
  local lane, owner = wait_out(id)
  redis.call('ZREM', line_key(lane, owner), id)
  redis.call('ZREM', DELAYED, id)
end

local function enter_line(id, not_before)
  if not_before > now then return redis.call('ZADD', DELAYED, not_before, id) end
  local lane, owner, place = wait_in(id, true)
  redis.call('ZREM', DELAYED, id)
  line_up(lane, owner, place, id)
end

-- Let no item of a batch be claimed.
local function stop_batch(batch, lane, owner, sequence)
  redis.call('ZREM', line_key(lane, owner), batch)
  redis.call('ZADD', stopped_key(lane, owner), sequence, batch)
end
