-- Put a worker on the roster for a while, or take it off. ARGV: id, what is known of it (JSON; '' takes it off), ttl ms
local all = P .. 'workers'
if ARGV[2] == '' then
  redis.call('SREM', all, ARGV[1])
  return redis.call('DEL', all .. ':' .. ARGV[1])
end
redis.call('SADD', all, ARGV[1])
return redis.call('SET', all .. ':' .. ARGV[1], ARGV[2], 'PX', ARGV[3])
