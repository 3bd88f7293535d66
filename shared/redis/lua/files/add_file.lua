-- include: records, files
-- Register stored bytes under their content's id, or find the file that is there. The record is JSON; `with_form` is
-- '1' where the file came with a form, for one job alone.
-- Returns 'created' or 'existing', then the record.
local owner, id, record, with_form, ttl_ms = unpack(ARGV)
local key = file_key(owner, id)
local answer = 'existing'
if redis.call('EXISTS', key) == 0 then
  answer = 'created'
  for name, value in pairs(cjson.decode(record)) do redis.call('HSET', key, name, value) end
  redis.call('HSET', key, 'id', id, 'owner', owner, 'created_at', now)
  if with_form == '1' then redis.call('HSET', key, 'form', 1) end
  redis.call('ZADD', owned_files_key(owner), next_sequence(owner), id)
end
touch_file(owner, id, with_form, ttl_ms)
return {answer, redis.call('HGETALL', key)}
