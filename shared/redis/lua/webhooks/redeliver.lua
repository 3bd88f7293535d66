-- A person's wish: deliver again from now on, with all tries anew, whatever came of it before. ARGV: id, owner
-- Returns 'ok' or 'missing'.
local key = delivery_key(ARGV[1])
local known = redis.call('HMGET', key, 'owner', 'host')
if not known[1] or known[1] ~= ARGV[2] then return 'missing' end
redis.call('HSET', key, 'status', 'pending', 'tries', 0, 'next_at', now)
redis.call('HINCRBY', key, 'attempt', 1) -- a try under way may end as it likes
redis.call('HDEL', key, 'ended_at')
redis.call('ZADD', webhook_due_key(known[2]), now, ARGV[1])
sort_host(known[2])
return 'ok'
