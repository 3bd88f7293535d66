-- Forget a file that no unfinished job and no style needs; its bytes become garbage. ARGV: owner, file id
local owner, id = ARGV[1], ARGV[2]
local key = P .. 'file:' .. owner .. ':' .. id
local object = redis.call('HGET', key, 'key')
if not object then return 'missing' end
if redis.call('SCARD', users_key(owner, id)) > 0 then return 'in_use' end
redis.call('DEL', key)
redis.call('ZREM', P .. 'owner:' .. owner .. ':files', id)
redis.call('ZADD', GARBAGE, now, object)
return 'ok'
