-- include: records
-- Should the io worker be notified? Returns 1 where a delivery is due and nobody has notified it just now, else 0.
local pause_ms = ARGV[1]
if not redis.call('ZRANGEBYSCORE', WEBHOOK_HOSTS, '-inf', now, 'LIMIT', 0, 1)[1] then return 0 end
return redis.call('SET', WEBHOOK_NOTIFIED, 1, 'NX', 'PX', pause_ms) and 1 or 0
