-- include: records, holdings, files, quotas
-- Register stored bytes under their content's id, or find the file that is there. The record is JSON; `with_form` is
-- '1' where the file came with a form, for one job alone. `quotas` are those of owners that have none of their own (JSON).
-- Returns 'created' or 'existing', then the record; or a refusal by quota.
local owner, id, record, with_form, ttl_ms, quotas = unpack(ARGV)
local key = file_key(owner, id)
local answer = 'existing'
if redis.call('EXISTS', key) == 0 then
  local file = cjson.decode(record)
  local refusal = over_quota(owner, {stored_bytes = tonumber(file.stored_bytes)}, quotas)
  if refusal then return refusal end
  hold(owner, 'stored_bytes', file.stored_bytes)
  answer = 'created'
  for name, value in pairs(file) do redis.call('HSET', key, name, value) end
  redis.call('HSET', key, 'id', id, 'owner', owner, 'created_at', now)
  if with_form == '1' then redis.call('HSET', key, 'form', 1) end
  redis.call('ZADD', owned_files_key(owner), next_sequence(owner), id)
end
touch_file(owner, id, with_form, ttl_ms)
return {answer, redis.call('HGETALL', key)}
