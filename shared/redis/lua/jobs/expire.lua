-- Forget terminal jobs whose time to live is over; their bytes become garbage. ARGV: most jobs, tombstone ms
-- With a third and a fourth argument, id and owner: forget that terminal job now.
local function forget_batch(batch)
  local owner = redis.call('HGET', batch_key(batch), 'owner')
  redis.call('ZREM', EXPIRING, batch)
  redis.call('ZREM', owned_batches_key(owner), batch)
  redis.call('HSET', batch_key(batch), 'status', 'deleted', 'swept', 0)
  redis.call('ZADD', BATCH_WORK, now, batch)
end

local function forget(id)
  if redis.call('EXISTS', batch_key(id)) == 1 then return forget_batch(id) end
  local owner, inputs = unpack(get(id, 'owner', 'inputs'))
  redis.call('ZREM', EXPIRING, id)
  if not owner then return end
  redis.call('ZREM', owned_jobs_key(owner), id)
  redis.call('SET', gone_key(id), owner, 'PX', ARGV[2])
  release_outputs(id)
  for file, object in pairs(cjson.decode(inputs)) do unname_file(owner, file, object) end
  redis.call('DEL', job_key(id), events_key(id))
  forget_deliveries('job', id)
end

if ARGV[3] then
  local job = get(ARGV[3], 'owner', 'status', 'batch')
  if not job[1] or job[1] ~= ARGV[4] then return 'missing' end
  if job[3] then return 'an item of a batch' end -- it goes with its batch
  if job[2] == 'queued' or job[2] == 'running' then return job[2] end
  forget(ARGV[3])
  return 'ok'
end
local ids = redis.call('ZRANGEBYSCORE', EXPIRING, '-inf', now, 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do forget(id) end
return ids
