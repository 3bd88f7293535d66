-- Put a worker on the roster for a while, or take it off. ARGV: id, what is known of it (JSON; '' takes it off), ttl ms
if ARGV[2] == '' then
  redis.call('SREM', WORKERS, ARGV[1])
  return redis.call('DEL', worker_key(ARGV[1]))
end
redis.call('SADD', WORKERS, ARGV[1])
return redis.call('SET', worker_key(ARGV[1]), ARGV[2], 'PX', ARGV[3])
