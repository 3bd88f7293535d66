-- Set limits of an owner, all or none: names and limits in turn after it, '' for one that goes by the settings again.
local key = quota_key(ARGV[1])
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', key, ARGV[i]) else redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
end
