-- Register stored bytes under their content's id, or find the file that is there. ARGV: owner, file id, fields (JSON)
-- Returns 'created' or 'existing', then the record.
local owner, id = ARGV[1], ARGV[2]
local key = P .. 'file:' .. owner .. ':' .. id
local how = 'existing'
if redis.call('EXISTS', key) == 0 then
  how = 'created'
  for name, value in pairs(cjson.decode(ARGV[3])) do redis.call('HSET', key, name, value) end
  redis.call('HSET', key, 'id', id, 'owner', owner, 'created_at', now)
  redis.call('ZADD', P .. 'owner:' .. owner .. ':files', redis.call('INCR', P .. 'sequence'), id)
end
return {how, redis.call('HGETALL', key)}
