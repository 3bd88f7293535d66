-- Remember a style's vector for a while; the oldest go where there are too many. ARGV: name, text, ttl ms, most
redis.call('SET', vector_key(ARGV[1]), ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', VECTORS, now, ARGV[1])
local over = redis.call('ZCARD', VECTORS) - tonumber(ARGV[4])
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', VECTORS, 0, over - 1)) do redis.call('DEL', vector_key(old)) end
  redis.call('ZREMRANGEBYRANK', VECTORS, 0, over - 1)
end
