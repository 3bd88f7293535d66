-- include: access
-- Refuse a key from now on. Its record stays, as keys are needed while there is a record. Returns 'ok' or 'missing'.
local id = ARGV[1]
if redis.call('EXISTS', api_key_key(id)) == 0 then return 'missing' end
revoke_api_key(id)
return 'ok'
