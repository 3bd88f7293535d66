-- Files: who names them, and how long they stay.
local function free_inputs(id)
  local job = get(id, 'owner', 'inputs')
  for file in pairs(cjson.decode(job[2])) do redis.call('SREM', file_users_key(job[1], file), id) end
end

-- A file is kept while a job's record or a style names it; from then on it is at rest, and expires some day.
local FORM_GRACE_MS = 3600 * 1000 -- for the job that a form's picture came for to be accepted

local function wake_file(owner, file)
  redis.call('HDEL', file_key(owner, file), 'expires_at')
  redis.call('ZREM', EXPIRING_FILES, owner .. ':' .. file)
end

local function is_needed(owner, file)
  return redis.call('SCARD', file_users_key(owner, file)) > 0
    or tonumber(redis.call('HGET', file_key(owner, file), 'jobs') or 0) > 0
end

local function rest_file(owner, file)
  local known = redis.call('HMGET', file_key(owner, file), 'ttl_ms', 'form')
  if not known[1] or is_needed(owner, file) then return end
  local ttl = tonumber(known[1])
  if known[2] then ttl = math.min(ttl, FORM_GRACE_MS) end
  redis.call('HSET', file_key(owner, file), 'expires_at', now + ttl)
  redis.call('ZADD', EXPIRING_FILES, now + ttl, owner .. ':' .. file)
end

local function forget_file(owner, file)
  redis.call('ZADD', GARBAGE, now, redis.call('HGET', file_key(owner, file), 'key'))
  redis.call('DEL', file_key(owner, file))
  redis.call('ZREM', owned_files_key(owner), file)
  redis.call('ZREM', EXPIRING_FILES, owner .. ':' .. file)
end

-- A file came again: its rest begins anew, and it is kept for itself where it came by itself.
local function touch_file(owner, file, came_with_form, ttl_ms)
  if came_with_form ~= '1' then redis.call('HDEL', file_key(owner, file), 'form') end
  redis.call('HSET', file_key(owner, file), 'ttl_ms', ttl_ms)
  rest_file(owner, file)
end

-- A job's record names a file, from now on and until it is forgotten itself.
local function name_file(owner, file)
  redis.call('HINCRBY', file_key(owner, file), 'jobs', 1)
  wake_file(owner, file)
end

-- A job that named a file is forgotten. What came with a form goes with the last job that names it.
local function unname_file(owner, file, object)
  local key = file_key(owner, file)
  local known = redis.call('HMGET', key, 'key', 'jobs', 'form')
  if known[1] ~= object then return end -- it was deleted meanwhile, and perhaps uploaded anew
  redis.call('HSET', key, 'jobs', math.max(0, tonumber(known[2] or 0) - 1))
  if known[3] and not is_needed(owner, file) then forget_file(owner, file) else rest_file(owner, file) end
end
