-- include: records, access
-- Keep a new key under a random id; `ttl_ms` is how long it is valid, '' for ever. Returns the record.
local id, record, ttl_ms = unpack(ARGV)
keep_api_key(id, record)
if ttl_ms ~= '' then redis.call('HSET', api_key_key(id), 'expires_at', now + tonumber(ttl_ms)) end
tell_of_change(id)
return redis.call('HGETALL', api_key_key(id))
