-- Put a restored record where it belongs besides: a job into the lines that fit its status (a running one is queued
-- again, its attempt not counted), a delivery into its host's, a style and a file into the lists that name them.
-- Files come before what names them; a kind `rest` afterwards lets files expire that nothing names.
-- ARGV: kind, name of the key, milliseconds since the record was read: what was left to live then is left now
local kind, key, pause = ARGV[1], P .. ARGV[2], tonumber(ARGV[3])

local function list(names, name)
  if not redis.call('ZSCORE', names, name) then
    redis.call('ZADD', names, redis.call('INCR', SEQUENCE), name)
  end
end

local function readmit_terminal(id, expires)
  redis.call('HSET', job_key(id), 'expires_at', expires)
  redis.call('ZADD', EXPIRING, expires, id)
end

local function readmit_unfinished(id, owner, status)
  local job = get(id, 'inputs', 'deadline_at')
  for file in pairs(cjson.decode(job[1])) do redis.call('SADD', file_users_key(owner, file), id) end
  if job[2] and job[2] ~= '' then
    redis.call('ZADD', DEADLINES, redis.call('HINCRBY', job_key(id), 'deadline_at', pause), id)
  end
  if status == 'queued' then
    redis.call('HSET', job_key(id), 'not_before', now)
    return enter_line(id, now)
  end
  redis.call('HINCRBY', job_key(id), 'released', 1)
  end_attempt(id, 'released')
  put_back(id, now)
end

local function readmit_file(id, owner)
  redis.call('HDEL', key, 'jobs') -- counted anew, as jobs are readmitted
  list(owned_files_key(owner), id)
end

local function name_inputs(id, owner)
  local inputs = get(id, 'inputs')[1]
  for file, object in pairs(cjson.decode(inputs)) do
    if redis.call('HGET', file_key(owner, file), 'key') == object then name_file(owner, file) end
  end
end

local function readmit_job(id, owner)
  name_inputs(id, owner)
  local job = get(id, 'sequence', 'status', 'expires_at')
  redis.call('ZADD', owned_jobs_key(owner), job[1], id)
  if job[2] == 'queued' or job[2] == 'running' then readmit_unfinished(id, owner, job[2])
  else readmit_terminal(id, tonumber(job[3]) + pause) end
  readmit_reuse(id, whole(id))
end

local function readmit_delivery(id, owner)
  local sent = redis.call('HMGET', key, 'sequence', 'kind', 'subject', 'status', 'host', 'next_at')
  if redis.call('EXISTS', subject_key(sent[2], sent[3])) == 0 then return redis.call('DEL', key) end
  redis.call('ZADD', owned_deliveries_key(owner), sent[1], id)
  redis.call('RPUSH', told_key(sent[2], sent[3]), id)
  if sent[4] ~= 'pending' then return end
  redis.call('ZADD', webhook_due_key(sent[5]), sent[6], id)
  sort_host(sent[5])
end

local known = redis.call('HMGET', key, 'owner', 'id', 'name', 'file')
local owner = known[1]
if not owner then return end
if kind == 'job' then
  readmit_job(known[2], owner)
elseif kind == 'delivery' then
  readmit_delivery(known[2], owner)
elseif kind == 'file' then
  readmit_file(known[2], owner)
elseif kind == 'rest' then
  rest_file(owner, known[2])
elseif kind == 'style' then
  redis.call('SADD', file_users_key(owner, known[4]), style_user(known[3]))
  wake_file(owner, known[4])
  list(owned_styles_key(owner), known[3])
end
