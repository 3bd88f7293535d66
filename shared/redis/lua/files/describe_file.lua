-- Note what the client calls a file, and its metadata (JSON); nothing where there is none.
local owner, id, name, metadata = unpack(ARGV)
if redis.call('EXISTS', file_key(owner, id)) == 0 then return end
redis.call('HSET', file_key(owner, id), 'name', name, 'metadata', metadata)
