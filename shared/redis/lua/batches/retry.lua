-- Try items again that failed or expired, each as a new job in its place. ARGV: batch, owner, from index, most;
-- with the id of an item's job, that one alone, if it is the item's latest; then it may have been canceled, too.
-- Returns {how many, next index or -1, file ids that are missing}, or {'missing'} or the status that forbids it.
local batch, owner, from, most, alone = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local b = redis.call('HMGET', batch_key(batch), 'owner', 'status', 'total', 'lane', 'finalized_at', 'sequence')
if b[1] ~= owner or b[2] == 'deleted' then return {'missing'} end
if b[2] == 'canceled' then return {b[2]} end
local total = tonumber(b[3])
local COPIED = {'model', 'lane', 'spec', 'light', 'deadline_ms', 'custom_id', 'schema', 'reuse', 'work'}

local function packed(id) return cjson.decode(get(id, 'packed')[1]) end

local function copy(index, old, new)
  local fields = packed(old)
  local flat = {'id', new, 'status', 'queued', 'version', 0, 'attempt', 0, 'released', 0, 'failures', 0,
    'crashes', 0, 'created_at', now, 'not_before', now, 'retried_from', old, 'fingerprint', old, 'owner', owner,
    'batch', batch, 'index', index, 'sequence', b[6], 'type', cjson.decode(fields.spec).type}
  for _, name in ipairs(COPIED) do
    if fields[name] then flat[#flat + 1] = name; flat[#flat + 1] = fields[name] end
  end
  redis.call('HSET', job_key(new), unpack(flat))
end

-- The object keys of an item's files, nil where one is gone.
local function inputs_of(id, missing)
  local keys = {}
  for file in string.gmatch(packed(id).spec, '"(file_%x+)"') do
    keys[file] = redis.call('HGET', file_key(owner, file), 'key')
    if not keys[file] then missing[#missing + 1] = file; return nil end
  end
  return keys
end

local function again(index, missing)
  local old = item_id(batch, index)
  local status = get(old, 'status')[1]
  if alone and old ~= alone then return 0 end
  if status ~= 'failed' and status ~= 'expired' and not (alone and status == 'canceled') then return 0 end
  local keys = inputs_of(old, missing)
  if not keys then return 0 end
  redis.call('HINCRBY', batch_again_key(batch), index, 1)
  local new = item_id(batch, index)
  copy(index, old, new)
  redis.call('HSET', job_key(new), 'inputs', next(keys) and cjson.encode(keys) or '{}')
  for file, object in pairs(keys) do name_batch_file(batch, owner, file, object) end
  redis.call('ZREM', batch_dead_key(batch), index)
  redis.call('HINCRBY', batch_key(batch), status, -1)
  redis.call('HINCRBY', batch_key(batch), 'queued', 1)
  local deadline = get(new, 'deadline_ms')[1]
  if deadline then
    redis.call('HSET', job_key(new), 'deadline_at', now + tonumber(deadline))
    redis.call('ZADD', DEADLINES, now + tonumber(deadline), new)
  end
  enter_line(new, now)
  local print = get(new, 'reuse')[1]
  if print then join_equals(new, owner, print) end
  return 1
end

local count, missing = 0, {}
local to = math.min(from + most, total)
for index = from, to - 1 do count = count + again(index, missing) end
if count > 0 and b[2] == 'completed' then
  redis.call('HDEL', batch_key(batch), 'completed_at', 'expires_at')
  redis.call('ZREM', EXPIRING, batch)
  forget_rate(batch)
  redis.call('HSET', batch_key(batch), 'status', 'running')
  emit(batch, 'state', {status = 'running'})
end
return {count, to < total and to or -1, missing}
