-- Accept a job, or find the one that the same key or id already made.
-- ARGV: id, owner, record (JSON object of fields), input ids (JSON array), idempotency key or '', fingerprint,
--       idempotency ttl ms, digest of the model that the workers have where the job may take over a result
local id, owner, fields, inputs = ARGV[1], ARGV[2], cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
local key, fingerprint = ARGV[5], ARGV[6]

local function same_or_conflict(known_id, known_fingerprint)
  if known_fingerprint == fingerprint then return {'existing', known_id} end
  return {'mismatch', known_id}
end

local idem = idempotency_key(owner, key)
if key ~= '' then
  local known = redis.call('HMGET', idem, 'id', 'fingerprint')
  if known[1] then return same_or_conflict(known[1], known[2]) end
end
local taken = get(id, 'owner', 'fingerprint')
if taken[1] and taken[1] ~= owner then return {'mismatch', id} end
if taken[1] then return same_or_conflict(id, taken[2]) end
if redis.call('EXISTS', gone_key(id)) == 1 then return {'gone', id} end

local keys, missing = {}, {}
for _, file in ipairs(inputs) do
  local stored = redis.call('HGET', file_key(owner, file), 'key')
  if stored then keys[file] = stored else missing[#missing + 1] = file end
end
if #missing > 0 then return {'missing', unpack(missing)} end

local sequence = redis.call('INCR', SEQUENCE)
for name, value in pairs(fields) do redis.call('HSET', job_key(id), name, value) end
local inputs_text = #inputs > 0 and cjson.encode(keys) or '{}'
redis.call('HSET', job_key(id), 'id', id, 'owner', owner, 'status', 'queued', 'inputs', inputs_text,
  'fingerprint', fingerprint, 'version', 0, 'attempt', 0, 'released', 0, 'failures', 0, 'crashes', 0,
  'sequence', sequence, 'created_at', now, 'not_before', now)
if fields.deadline_ms then
  local deadline = now + tonumber(fields.deadline_ms)
  redis.call('HSET', job_key(id), 'deadline_at', deadline)
  redis.call('ZADD', DEADLINES, deadline, id)
end
for _, file in ipairs(inputs) do
  redis.call('SADD', file_users_key(owner, file), id)
  name_file(owner, file)
end
redis.call('ZADD', owned_jobs_key(owner), sequence, id)
if key ~= '' then
  redis.call('HSET', idem, 'id', id, 'fingerprint', fingerprint)
  redis.call('PEXPIRE', idem, ARGV[7])
end
if fields.retried_from and redis.call('EXISTS', job_key(fields.retried_from)) == 1 then
  change(fields.retried_from, 'retried_as', id)
end
enter_line(id, now)
emit(id, 'state', {status = 'queued'})
if fields.reuse then reuse(id, owner, fields.reuse, ARGV[8]) end
return {'created', id}
