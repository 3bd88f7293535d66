-- Put a worker on the roster for a while, or take it off. What is known of it is JSON; '' takes it off.
local id, known, ttl_ms = unpack(ARGV)
if known == '' then
  redis.call('SREM', WORKERS, id)
  return redis.call('DEL', worker_key(id))
end
redis.call('SADD', WORKERS, id)
return redis.call('SET', worker_key(id), known, 'PX', ttl_ms)
