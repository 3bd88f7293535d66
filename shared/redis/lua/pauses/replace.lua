-- Replace a pause by another text, or remove it where that is empty, if it still is as it was read. Returns 1 if it was.
local id, known, text = unpack(ARGV)
if redis.call('HGET', PAUSES, id) ~= known then return 0 end
if text == '' then redis.call('HDEL', PAUSES, id) else redis.call('HSET', PAUSES, id, text) end
return 1
