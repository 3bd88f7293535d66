-- Put a message into a queue's list; outside of a script it would be refused while the server is out of memory.
-- ARGV: queue, message, LPUSH or RPUSH
return redis.call(ARGV[3], ARGV[1], ARGV[2])
