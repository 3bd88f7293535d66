-- include: records, files
-- Keep a stored file as a style under a name. While the style exists, its file cannot be deleted.
-- Returns 'created', 'existing' (the same name and file) or 'taken', then the record; or 'missing'.
local owner, name, file = unpack(ARGV)
local key = style_key(owner, name)
local known = redis.call('HGET', key, 'file')
if known then return {known == file and 'existing' or 'taken', redis.call('HGETALL', key)} end
if redis.call('EXISTS', file_key(owner, file)) == 0 then return {'missing', {}} end
redis.call('HSET', key, 'name', name, 'owner', owner, 'file', file, 'created_at', now)
redis.call('SADD', file_users_key(owner, file), style_user(name))
redis.call('HDEL', file_key(owner, file), 'form')
stop_expiry(owner, file)
redis.call('ZADD', owned_styles_key(owner), next_sequence(owner), name)
return {'created', redis.call('HGETALL', key)}
