-- Put messages into a queue's list, until it is long enough. Outside of a script that would be refused while the
-- server is out of memory. ARGV: queue, most messages, messages
for i = 3, #ARGV do
  if redis.call('LLEN', ARGV[1]) >= tonumber(ARGV[2]) then break end
  redis.call('LPUSH', ARGV[1], ARGV[i])
end
