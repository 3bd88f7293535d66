-- include: records
-- Expiry: when what is done is forgotten. What is pinned stays until its owner unpins it, or deletes it.
local function start_to_expire(key, id)
  local ttl_ms, pinned_at = values(key, 'ttl_ms', 'pinned_at')
  if pinned_at then return end
  local expires = now + tonumber(ttl_ms)
  redis.call('ZADD', EXPIRING, expires, id)
  redis.call('HSET', key, 'expires_at', expires)
end

local function stop_to_expire(key, id)
  redis.call('ZREM', EXPIRING, id)
  redis.call('HDEL', key, 'expires_at')
end
