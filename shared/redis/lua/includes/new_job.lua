-- include: records
-- New jobs: their record as every move expects it. `request` has the fields that the request gives, and owner,
-- sequence and fingerprint, of an item batch and index too; `inputs` has the object key of each file.
local function new_job(id, request, inputs)
  local record = {'id', id, 'status', 'queued', 'inputs', next(inputs) and cjson.encode(inputs) or '{}',
    'version', 0, 'attempt', 0, 'released', 0, 'failures', 0, 'crashes', 0, 'created_at', now, 'not_before', now}
  if request.deadline_ms then
    request.deadline_at = now + tonumber(request.deadline_ms)
    redis.call('ZADD', DEADLINES, request.deadline_at, id)
  end
  for name, value in pairs(request) do
    record[#record + 1] = name
    record[#record + 1] = value
  end
  redis.call('HSET', job_key(id), unpack(record))
end
