-- Should the io worker be rung? Yes where a delivery is due, and nobody has rung for it just now. ARGV: ring ms
if not redis.call('ZRANGEBYSCORE', WEBHOOK_HOSTS, '-inf', now, 'LIMIT', 0, 1)[1] then return 0 end
return redis.call('SET', WEBHOOK_RUNG, 1, 'NX', 'PX', ARGV[1]) and 1 or 0
