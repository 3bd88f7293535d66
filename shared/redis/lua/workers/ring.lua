-- Put messages into a queue's list, until it is long enough. Outside of a script that would be refused while the
-- server is out of memory. ARGV: queue, most messages, messages
local room = tonumber(ARGV[2]) - redis.call('LLEN', ARGV[1])
for i = 3, math.min(#ARGV, 2 + room) do redis.call('LPUSH', ARGV[1], ARGV[i]) end
