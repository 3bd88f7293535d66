-- Lines: who may be claimed, in which order.
-- The job of a batch's item: the first, or the latest that was made to try it again.
local function item_id(batch, index)
  local again = redis.call('HGET', P .. 'batch-again:' .. batch, index)
  return 'job_' .. string.sub(batch, 7) .. '-' .. index .. (again and '-' .. again or '')
end

-- Make an entry claimable: a job's id, or a batch's for its next items. Entries of an owner go by order of
-- acceptance; owners take turns (claim.lua).
local function line_up(lane, owner, sequence, entry)
  redis.call('ZADD', line_key(lane, owner), sequence, entry)
  if not redis.call('ZSCORE', turns_key(lane), owner) then
    redis.call('ZADD', turns_key(lane), redis.call('HGET', P .. 'served:' .. lane, owner) or 0, owner)
  end
end

local function leave_lines(id)
  local job = get(id, 'lane', 'owner')
  redis.call('ZREM', lane_key(job[1]), id)
  redis.call('ZREM', line_key(job[1], job[2]), id)
  redis.call('ZREM', DELAYED, id)
  redis.call('ZREM', LEASES, id)
end

local function enter_line(id, not_before)
  local job = get(id, 'lane', 'owner', 'sequence', 'batch')
  if not job[4] then redis.call('ZADD', lane_key(job[1]), job[3], id) end
  if not_before > now then
    redis.call('ZADD', DELAYED, not_before, id)
  else
    redis.call('ZREM', DELAYED, id)
    line_up(job[1], job[2], job[4] and job[3] - 0.5 or job[3], id) -- an item goes before the rest of its batch
  end
end
