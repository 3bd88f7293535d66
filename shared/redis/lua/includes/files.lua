-- include: records, holdings
-- Files: who needs them, and how long they stay. Users of a file are unfinished jobs and batches, and styles. Its
-- record also counts the jobs and batches that name it, ended ones too. A file that is needed by none expires some day.
local FORM_GRACE_MS = 3600 * 1000 -- for the job that a form's picture came for to be accepted

local function style_user(name) return 'style:' .. name end -- no job's id has a colon

local function is_needed(owner, file)
  return redis.call('SCARD', file_users_key(owner, file)) > 0
    or tonumber(redis.call('HGET', file_key(owner, file), 'jobs') or 0) > 0
end

local function stop_expiry(owner, file)
  redis.call('HDEL', file_key(owner, file), 'expires_at')
  redis.call('ZREM', EXPIRING_FILES, owner .. ':' .. file)
end

-- Let a file expire, unless it is needed.
local function start_expiry(owner, file)
  local ttl_ms, form = values(file_key(owner, file), 'ttl_ms', 'form')
  if not ttl_ms or is_needed(owner, file) then return end
  local ttl = tonumber(ttl_ms)
  if form then ttl = math.min(ttl, FORM_GRACE_MS) end
  redis.call('HSET', file_key(owner, file), 'expires_at', now + ttl)
  redis.call('ZADD', EXPIRING_FILES, now + ttl, owner .. ':' .. file)
end

local function forget_file(owner, file)
  local object, stored = values(file_key(owner, file), 'key', 'stored_bytes')
  redis.call('ZADD', GARBAGE, now, object)
  hold(owner, 'stored_bytes', -(stored or 0))
  redis.call('DEL', file_key(owner, file))
  redis.call('ZREM', owned_files_key(owner), file)
  redis.call('ZREM', EXPIRING_FILES, owner .. ':' .. file)
end

-- A file came again: its time to live starts again; what came without a form is not for one job alone any more.
local function touch_file(owner, file, came_with_form, ttl_ms)
  if came_with_form ~= '1' then redis.call('HDEL', file_key(owner, file), 'form') end
  redis.call('HSET', file_key(owner, file), 'ttl_ms', ttl_ms)
  start_expiry(owner, file)
end

-- A record names a file, until the record is forgotten.
local function add_reference(owner, file)
  redis.call('HINCRBY', file_key(owner, file), 'jobs', 1)
  stop_expiry(owner, file)
end

-- A record that named a file is forgotten. What came with a form goes with the last record that names it.
local function drop_reference(owner, file, object)
  local key = file_key(owner, file)
  local stored, jobs, form = values(key, 'key', 'jobs', 'form')
  if stored ~= object then return end -- it was deleted meanwhile, and perhaps uploaded again
  redis.call('HSET', key, 'jobs', math.max(0, tonumber(jobs or 0) - 1))
  if form and not is_needed(owner, file) then forget_file(owner, file) else start_expiry(owner, file) end
end

-- A batch names each file that its items read once, however many they are.
local function add_batch_reference(batch, owner, file, object)
  redis.call('SADD', file_users_key(owner, file), batch)
  if redis.call('HGET', batch_files_key(batch), file) == object then return end
  redis.call('HSET', batch_files_key(batch), file, object)
  add_reference(owner, file)
end

-- A job or a batch has ended and uses its files no more.
local function free_inputs(id)
  local owner, inputs = job_values(id, 'owner', 'inputs')
  for file in pairs(cjson.decode(inputs)) do redis.call('SREM', file_users_key(owner, file), id) end
end

local function free_batch_inputs(batch, owner)
  for _, file in ipairs(redis.call('HKEYS', batch_files_key(batch))) do
    redis.call('SREM', file_users_key(owner, file), batch)
  end
end
