-- include: records, webhooks
-- A client's request: deliver again from now on, with all tries, whatever came of it before. Returns 'ok' or 'missing'.
local id, owner = unpack(ARGV)
local key = delivery_key(id)
local actual_owner, host = values(key, 'owner', 'host')
if actual_owner ~= owner then return 'missing' end
redis.call('HSET', key, 'status', 'pending', 'tries', 0, 'next_at', now)
redis.call('HINCRBY', key, 'attempt', 1) -- the end of a try under way changes nothing any more
redis.call('HDEL', key, 'ended_at')
redis.call('ZADD', webhook_due_key(host), now, id)
sort_host(host)
return 'ok'
