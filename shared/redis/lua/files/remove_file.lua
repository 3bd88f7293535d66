-- include: files
-- Forget a file that no unfinished job and no style needs; its bytes become garbage.
-- Returns 'ok', 'missing' or 'in_use'.
local owner, id = unpack(ARGV)
if redis.call('EXISTS', file_key(owner, id)) == 0 then return 'missing' end
if redis.call('SCARD', file_users_key(owner, id)) > 0 then return 'in_use' end
forget_file(owner, id)
return 'ok'
