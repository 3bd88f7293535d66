-- Batches: their counts, their files, and their end.
-- Keep a batch's counts, and which items died: called before an item's status changes.
local function tally(id, to)
  local job = get(id, 'batch', 'status', 'index')
  if not job[1] then return end
  if to == 'failed' or to == 'expired' then redis.call('ZADD', batch_dead_key(job[1]), job[3], job[3]) end
  redis.call('HINCRBY', batch_key(job[1]), job[2], -1)
  redis.call('HINCRBY', batch_key(job[1]), to, 1)
end

-- A batch names each file that its items read once, whatever many they are.
local function name_batch_file(batch, owner, file, object)
  redis.call('SADD', file_users_key(owner, file), batch)
  if redis.call('HGET', batch_files_key(batch), file) == object then return end
  redis.call('HSET', batch_files_key(batch), file, object)
  name_file(owner, file)
end

local function free_batch_inputs(batch)
  local owner = redis.call('HGET', batch_key(batch), 'owner')
  for _, file in ipairs(redis.call('HKEYS', batch_files_key(batch))) do
    redis.call('SREM', file_users_key(owner, file), batch)
  end
end

local function unfinished(batch)
  local counts = redis.call('HMGET', batch_key(batch), 'queued', 'running')
  return tonumber(counts[1]) + tonumber(counts[2])
end

-- End a batch whose items have all ended. It takes no more work, but failed items may be tried again.
local function close_batch(batch, status)
  local known = redis.call('HMGET', batch_key(batch), 'ttl_ms', 'lane', 'owner')
  local expires = now + tonumber(known[1])
  redis.call('ZREM', line_key(known[2], known[3]), batch)
  redis.call('ZREM', stopped_key(known[2], known[3]), batch)
  redis.call('ZREM', OPEN_BATCHES, batch)
  free_batch_inputs(batch)
  redis.call('ZADD', EXPIRING, expires, batch)
  redis.call('HSET', batch_key(batch), 'status', status, 'completed_at', now, 'expires_at', expires)
  emit(batch, 'state', {status = status})
  note_delivery('batch', batch, 'batch.' .. status)
end

-- What the rate is taken from: when an item first started, and how many were done since.
local function note_start(id)
  local batch = get(id, 'batch')[1]
  if batch then redis.call('HSETNX', batch_key(batch), 'began_at', now) end
end

local function note_done(batch, status)
  local was_done = status == 'succeeded' or status == 'failed'
  if not was_done or redis.call('HEXISTS', batch_key(batch), 'began_at') == 0 then return end
  redis.call('HINCRBY', batch_key(batch), 'done_since', 1)
  redis.call('HSET', batch_key(batch), 'last_end', now)
end

-- A rest of the batch is over, in which it could do nothing.
local function forget_rate(batch) redis.call('HDEL', batch_key(batch), 'began_at', 'done_since', 'last_end') end

-- After an item has ended: note it for those who wait for results, and the end of the batch with the last one.
local function note_end(id, batch, index, custom_id, status)
  redis.call('RPUSH', batch_finished_key(batch), string.match(id, '%-(.*)$'))
  emit(batch, 'item', {index = tonumber(index), custom_id = custom_id, id = id, status = status})
  note_done(batch, status)
  local b = redis.call('HMGET', batch_key(batch), 'status', 'finalized_at')
  if b[2] and unfinished(batch) == 0 then close_batch(batch, b[1] == 'canceled' and 'canceled' or 'completed') end
end

-- Put what scripts no longer need of an ended item into one field: many small ones cost 60 bytes each.
local KEPT_APART = {'owner', 'status', 'attempt', 'batch'}
local function pack(id)
  local fields, kept = fields_of(job_key(id)), {}
  for _, name in ipairs(KEPT_APART) do
    kept[#kept + 1] = name
    kept[#kept + 1] = fields[name]
    fields[name] = nil
  end
  for _, name in ipairs({'inputs', 'not_before', 'fingerprint', 'type', 'sequence', 'follows'}) do fields[name] = nil end
  local packed = {}
  for name, value in pairs(fields) do
    if value ~= '0' or name == 'custom_id' then packed[name] = value end
  end
  redis.call('DEL', job_key(id))
  redis.call('HSET', job_key(id), 'packed', cjson.encode(packed), unpack(kept))
end
