-- include: records
-- Take the next bulk action to go on with, for a time; `held` is one that the caller gives back, '' for none.
-- Returns its id, '' where nothing is left to do.
local lease_ms, held = unpack(ARGV)
if held ~= '' then redis.call('ZADD', ACTION_WORK, 'XX', now, held) end
local id = redis.call('ZRANGEBYSCORE', ACTION_WORK, '-inf', now, 'LIMIT', 0, 1)[1]
if not id then return '' end
redis.call('ZADD', ACTION_WORK, now + lease_ms, id)
return id
