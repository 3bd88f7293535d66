-- include: records
-- Note that a key was used. No change that processes need to know of.
local id = ARGV[1]
if redis.call('EXISTS', api_key_key(id)) == 1 then redis.call('HSET', api_key_key(id), 'used_at', now) end
