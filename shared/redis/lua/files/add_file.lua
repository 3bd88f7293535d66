-- Register stored bytes under their content's id, or find the file that is there.
-- ARGV: owner, file id, fields (JSON), '1' where it came with a form for one job alone, ttl ms
-- Returns 'created' or 'existing', then the record.
local owner, id = ARGV[1], ARGV[2]
local key = file_key(owner, id)
local how = 'existing'
if redis.call('EXISTS', key) == 0 then
  how = 'created'
  for name, value in pairs(cjson.decode(ARGV[3])) do redis.call('HSET', key, name, value) end
  redis.call('HSET', key, 'id', id, 'owner', owner, 'created_at', now)
  if ARGV[4] == '1' then redis.call('HSET', key, 'form', 1) end
  redis.call('ZADD', owned_files_key(owner), redis.call('INCR', SEQUENCE), id)
end
touch_file(owner, id, ARGV[4], ARGV[5])
return {how, redis.call('HGETALL', key)}
