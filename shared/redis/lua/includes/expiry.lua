-- include: records
-- What is done: when it is forgotten, and which results may go before that to make room (room/reclaim.lua), in the order
-- of their ends. What is pinned is in none of these lists: it stays until its owner unpins it, or deletes it.
local function list_result(key, id)
  local completed_at, fetched_at = values(key, 'completed_at', 'fetched_at')
  redis.call('ZADD', RESULTS, completed_at, id)
  if fetched_at then redis.call('ZADD', FETCHED, completed_at, id) end
end

local function unlist_result(id)
  redis.call('ZREM', RESULTS, id)
  redis.call('ZREM', FETCHED, id)
end

local function start_to_expire(key, id, has_result)
  local ttl_ms, pinned_at = values(key, 'ttl_ms', 'pinned_at')
  if pinned_at then return end
  local expires = now + tonumber(ttl_ms)
  redis.call('ZADD', EXPIRING, expires, id)
  redis.call('HSET', key, 'expires_at', expires)
  if has_result then list_result(key, id) end
end

local function stop_to_expire(key, id)
  redis.call('ZREM', EXPIRING, id)
  redis.call('HDEL', key, 'expires_at')
  unlist_result(id)
end

-- The whole result of a job or batch was sent to its client.
local function note_fetched(key, id)
  if redis.call('HSETNX', key, 'fetched_at', now) == 0 then return end
  local completed_at = redis.call('ZSCORE', RESULTS, id)
  if completed_at then redis.call('ZADD', FETCHED, completed_at, id) end
end

-- A batch's result was fetched when those of all items were that succeeded, each of which sets a bit.
local function note_batch_fetched(batch)
  local completed_at, succeeded = batch_values(batch, 'completed_at', 'succeeded')
  if completed_at and redis.call('BITCOUNT', batch_fetched_key(batch)) >= tonumber(succeeded) then
    note_fetched(batch_key(batch), batch)
  end
end
