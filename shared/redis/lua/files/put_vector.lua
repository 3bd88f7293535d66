-- Remember a style's vector for a while; the oldest go where there are too many. ARGV: name, text, ttl ms, most
local index = P .. 'vectors'
redis.call('SET', P .. 'vector:' .. ARGV[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', index, now, ARGV[1])
local over = redis.call('ZCARD', index) - tonumber(ARGV[4])
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', index, 0, over - 1)) do redis.call('DEL', P .. 'vector:' .. old) end
  redis.call('ZREMRANGEBYRANK', index, 0, over - 1)
end
