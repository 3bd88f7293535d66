-- include: records
-- Remember a style's vector for a while; the oldest go where there are too many.
local name, text, ttl_ms, most = unpack(ARGV)
redis.call('SET', vector_key(name), text, 'PX', ttl_ms)
redis.call('ZADD', VECTORS, now, name)
local over = redis.call('ZCARD', VECTORS) - tonumber(most)
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', VECTORS, 0, over - 1)) do redis.call('DEL', vector_key(old)) end
  redis.call('ZREMRANGEBYRANK', VECTORS, 0, over - 1)
end
