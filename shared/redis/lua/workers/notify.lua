-- Put messages into a queue's list, until it is long enough. Outside of a script that would be refused while the
-- server is out of memory. After the named arguments come the messages.
local queue, most = unpack(ARGV)
local FIRST_MESSAGE = 3 -- among the arguments
local room = tonumber(most) - redis.call('LLEN', queue)
for i = FIRST_MESSAGE, math.min(#ARGV, FIRST_MESSAGE - 1 + room) do redis.call('LPUSH', queue, ARGV[i]) end
