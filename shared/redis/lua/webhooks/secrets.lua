-- The installation's signing secrets that hold now, the current one first; drawn once, renewed on demand.
-- ARGV: a fresh secret, how long a renewed one holds on (ms; '' renews nothing)
local key = WEBHOOK_SECRETS -- by the time until which they hold
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local current = redis.call('ZRANGEBYSCORE', key, '+inf', '+inf')[1]
if current and ARGV[2] ~= '' then redis.call('ZADD', key, now + tonumber(ARGV[2]), current) end
if not current or ARGV[2] ~= '' then redis.call('ZADD', key, '+inf', ARGV[1]) end
return redis.call('ZREVRANGE', key, 0, -1)
