-- include: records, new_job, queues, files, batch_counts, result_cache, chains, moves, changes, expiry
-- Retries of items: each is a new job in the item's place.
local COPIED = {'model', 'lane', 'spec', 'parts', 'light', 'deadline_ms', 'custom_id', 'schema', 'reuse', 'work', 'pixels',
  'expected_bytes', 'reuse_base', 'reuse_digest', 'source', 'style_label'}

-- The object keys of the files that a specification names, nil where one is gone.
local function inputs_of(owner, spec, missing)
  local inputs = {}
  for file in string.gmatch(spec, '"(file_%x+)"') do
    inputs[file] = redis.call('HGET', file_key(owner, file), 'key')
    if not inputs[file] then missing[#missing + 1] = file; return nil end
  end
  return inputs
end

-- What the new job takes over from the old one.
local function request_of(owner, batch_id, sequence, index, old_id, old)
  local request = {owner = owner, batch = batch_id, index = index, sequence = sequence,
    type = cjson.decode(old.spec).type, retried_from = old_id, fingerprint = old_id}
  for _, name in ipairs(COPIED) do request[name] = old[name] end
  if old.reuse_base then request.reuse = nil end -- it is made of what its parents make now
  return request
end

-- What is needed to try an item again that has ended; nil where a file is gone.
local function item_to_retry(owner, batch_id, sequence, index, missing)
  local old_id = item_id(batch_id, index)
  local old = cjson.decode(job_value(old_id, 'packed'))
  local inputs = inputs_of(owner, old.spec, missing)
  local code = old.error and cjson.decode(old.error).code
  return inputs and {index = index, status = job_value(old_id, 'status'), inputs = inputs, code = code,
    outputs = naming.of_record(old.parents), request = request_of(owner, batch_id, sequence, index, old_id, old)}
end

local function retry_item(owner, batch_id, item)
  redis.call('HINCRBY', batch_again_key(batch_id), item.index, 1)
  local new_id = item_id(batch_id, item.index)
  new_job(new_id, item.request, item.inputs)
  for file, object in pairs(item.inputs) do add_batch_reference(batch_id, owner, file, object) end
  redis.call('ZREM', batch_dead_key(batch_id), item.index)
  redis.call('HINCRBY', batch_key(batch_id), item.status, -1)
  if item.code then redis.call('HINCRBY', batch_key(batch_id), FAILURES .. item.code, -1) end
  redis.call('HINCRBY', batch_key(batch_id), 'queued', 1)
  enqueue_job(new_id, now)
  if item.request.reuse then join_equals(new_id, owner, item.request.reuse) end
  if item.outputs then begin_chain(new_id, naming.parents_of(owner, item.outputs)) end
end

-- Items of a batch are tried again: it goes on, where it had ended, and its brake does not count what is mended.
local function reopen_batch(batch_id)
  local owner, completed_at, failed, expired, wrong, destination =
    batch_values(batch_id, 'owner', 'completed_at', 'failed', 'expired', 'stop_wrong', 'destination')
  note_change(owner, batch_id)
  if wrong then redis.call('HSET', batch_key(batch_id), 'stop_wrong', math.min(wrong, failed + expired)) end
  if not completed_at then return end
  redis.call('HDEL', batch_key(batch_id), 'completed_at', 'fetched_at')
  if destination then
    redis.call('HDEL', batch_key(batch_id), 'exported_at')
    redis.call('ZADD', EXPORTS, now, batch_id)
  end
  stop_to_expire(batch_key(batch_id), batch_id)
  forget_rate(batch_id)
  redis.call('HSET', batch_key(batch_id), 'status', 'running')
  emit(batch_id, 'state', {status = 'running'})
end
