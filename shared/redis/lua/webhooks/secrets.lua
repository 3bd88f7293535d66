-- include: records
-- An owner's signing secrets that are valid now, the current one first; the owner is '' for the anonymous one. The
-- first is made on demand; a new one is made where `overlap_ms`, for which the present one stays valid, is not ''.
local new_secret, overlap_ms, owner = unpack(ARGV)
-- By the time until which they are valid.
local key = owner == '' and WEBHOOK_SECRETS or owned_webhook_secrets_key(owner)
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local current = redis.call('ZRANGEBYSCORE', key, '+inf', '+inf')[1]
if current and overlap_ms ~= '' then redis.call('ZADD', key, now + tonumber(overlap_ms), current) end
if not current or overlap_ms ~= '' then redis.call('ZADD', key, '+inf', new_secret) end
return redis.call('ZREVRANGE', key, 0, -1)
