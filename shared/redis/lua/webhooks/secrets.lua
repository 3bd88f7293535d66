-- include: records
-- The installation's signing secrets that are valid now, the current one first. The first is made on demand; a new
-- one is made where `overlap_ms`, for which the present one stays valid, is not ''.
local new_secret, overlap_ms = unpack(ARGV)
local key = WEBHOOK_SECRETS -- by the time until which they are valid
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local current = redis.call('ZRANGEBYSCORE', key, '+inf', '+inf')[1]
if current and overlap_ms ~= '' then redis.call('ZADD', key, now + tonumber(overlap_ms), current) end
if not current or overlap_ms ~= '' then redis.call('ZADD', key, '+inf', new_secret) end
return redis.call('ZREVRANGE', key, 0, -1)
