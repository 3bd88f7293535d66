-- include: records
-- Let a worker claim no more, or end that. Takes its name; then who asks and why, and 1 to drain it, or nothing to end it.
-- Asked again, it replaces who and why, and keeps since when.
local name, by, reason, drain = unpack(ARGV)
if not by then return redis.call('HDEL', CORDONS, name) end
local known = redis.call('HGET', CORDONS, name)
local at = known and cjson.decode(known).at or now
local cordon = {at = at, by = by, reason = reason, drain = drain == '1'}
return redis.call('HSET', CORDONS, name, cjson.encode(cordon))
