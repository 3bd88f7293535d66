-- include: records, queues, files, webhooks, result_cache, chains, moves, holdings, expiry
-- Put a restored record where it belongs besides: a job into the queues that fit its status (a running one is queued
-- again, its attempt not counted), a delivery into its host's, a style and a file into the lists that name them.
-- Files come before what names them; a kind `rest` afterwards lets files expire that nothing names. `passed_ms` is the
-- time since the record was read: what was left to live then is left now.
local kind, key, passed_ms = unpack(ARGV)
key = P .. key

local function list(owner, names, name)
  if not redis.call('ZSCORE', names, name) then
    redis.call('ZADD', names, next_sequence(owner), name)
  end
end

local function readmit_terminal(id, expires)
  redis.call('HSET', job_key(id), 'expires_at', expires)
  redis.call('ZADD', EXPIRING, expires, id)
  if job_value(id, 'status') == 'succeeded' then list_result(job_key(id), id) end
end

local function readmit_unfinished(id, job)
  for file in pairs(cjson.decode(job.inputs)) do redis.call('SADD', file_users_key(job.owner, file), id) end
  if job.deadline_at and job.deadline_at ~= '' then
    redis.call('ZADD', DEADLINES, redis.call('HINCRBY', job_key(id), 'deadline_at', passed_ms), id)
  end
  if job.status == 'running' then return put_back_uncounted(id, now, 'released') end
  -- A pause after an error is over; a time that the client named is not.
  local not_before = job.attempt == '0' and math.max(now, tonumber(job.not_before or 0)) or now
  redis.call('HSET', job_key(id), 'not_before', not_before)
  hold(job.owner, 'queued', 1)
  if not job.waits_for then enqueue_job(id, not_before) end
end

local function readmit_job(id)
  local job = full_record(id)
  for file, object in pairs(cjson.decode(job.inputs)) do
    if redis.call('HGET', file_key(job.owner, file), 'key') == object then add_reference(job.owner, file) end
  end
  redis.call('ZADD', owned_jobs_key(job.owner), job.sequence, id)
  if job.pinned_at then redis.call('ZADD', owned_pinned_key(job.owner), job.pinned_at, id) end
  if job.status == 'queued' or job.status == 'running' then readmit_unfinished(id, job)
  elseif not job.pinned_at then readmit_terminal(id, tonumber(job.expires_at) + passed_ms) end
  readmit_equal(id, job)
  if job.parents and (job.status == 'queued' or job.status == 'running') then chain.readmit(id, job) end
end

local function readmit_delivery(id, owner)
  local sent = fields(key, 'sequence', 'kind', 'subject', 'status', 'host', 'next_at')
  if redis.call('EXISTS', subject_key(sent.kind, sent.subject)) == 0 then return redis.call('DEL', key) end
  redis.call('ZADD', owned_deliveries_key(owner), sent.sequence, id)
  redis.call('RPUSH', subject_deliveries_key(sent.kind, sent.subject), id)
  if sent.status ~= 'pending' then return end
  redis.call('ZADD', webhook_due_key(sent.host), sent.next_at, id)
  sort_host(sent.host)
end

local known = fields(key, 'owner', 'id', 'name', 'file')
local owner = known.owner
if not owner then return end
if kind == 'job' then
  readmit_job(known.id)
elseif kind == 'delivery' then
  readmit_delivery(known.id, owner)
elseif kind == 'file' then
  redis.call('HDEL', key, 'jobs') -- counted again, as jobs are readmitted
  hold(owner, 'stored_bytes', redis.call('HGET', key, 'stored_bytes') or 0)
  list(owner, owned_files_key(owner), known.id)
elseif kind == 'rest' then
  start_expiry(owner, known.id)
elseif kind == 'style' then
  redis.call('SADD', file_users_key(owner, known.file), style_user(known.name))
  stop_expiry(owner, known.file)
  list(owner, owned_styles_key(owner), known.name)
end
