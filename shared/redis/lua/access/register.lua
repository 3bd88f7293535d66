-- include: access
-- Keep the key of the bootstrap file, and revoke those that the file held before. A key that is known is left as it is,
-- revoked or not. Returns the record, or nothing where another key has the id.
local id, record = unpack(ARGV)
local known = redis.call('HGET', api_key_key(id), 'digest')
if known and known ~= cjson.decode(record).digest then return {} end
for _, other in ipairs(redis.call('ZRANGE', API_KEYS, 0, -1)) do
  if other ~= id and redis.call('HEXISTS', api_key_key(other), 'from_file') == 1 then revoke_api_key(other) end
end
if not known then
  keep_api_key(id, record)
  redis.call('HSET', api_key_key(id), 'from_file', 1)
  tell_of_change(id)
end
return redis.call('HGETALL', api_key_key(id))
