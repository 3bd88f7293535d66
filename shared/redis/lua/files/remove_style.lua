-- Forget a style; its file stays for a while, and may be deleted from now on. ARGV: owner, name
local owner, name = ARGV[1], ARGV[2]
local key = style_key(owner, name)
local file = redis.call('HGET', key, 'file')
if not file then return 'missing' end
redis.call('DEL', key)
redis.call('SREM', file_users_key(owner, file), style_user(name))
rest_file(owner, file)
redis.call('ZREM', owned_styles_key(owner), name)
return 'ok'
