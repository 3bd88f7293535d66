-- Put a message into a queue's list, unless it is long enough. Outside of a script that would be refused while the
-- server is out of memory. ARGV: queue, message, most messages
if redis.call('LLEN', ARGV[1]) < tonumber(ARGV[3]) then redis.call('LPUSH', ARGV[1], ARGV[2]) end
