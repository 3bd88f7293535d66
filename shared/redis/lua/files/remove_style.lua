-- include: files
-- Forget a style; its file stays for a while, and may be deleted from now on. Returns 'ok' or 'missing'.
local owner, name = unpack(ARGV)
local key = style_key(owner, name)
local file = redis.call('HGET', key, 'file')
if not file then return 'missing' end
redis.call('DEL', key)
redis.call('SREM', file_users_key(owner, file), style_user(name))
start_expiry(owner, file)
redis.call('ZREM', owned_styles_key(owner), name)
return 'ok'
