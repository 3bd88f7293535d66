-- include: records, new_job, queues, files, batch_counts, result_cache, quotas, expiry
-- Try items again that failed or expired, each as a new job in its place: some from an index on. With the id of an
-- item's job, that one alone, if it is the item's latest; then it may have been canceled, too.
-- The quota is asked for each of them; `quotas` are those of owners that have none of their own (a JSON object).
-- Returns {how many, next index or -1, file ids that are missing}, or {'missing'} or the status that forbids it, or a
-- refusal by quota where none was tried again.
local batch_id, owner, from, most, quotas, alone = unpack(ARGV)
from, most = tonumber(from), tonumber(most)
local batch = fields(batch_key(batch_id), 'owner', 'status', 'total', 'sequence', 'failed', 'expired')
if batch.owner ~= owner or batch.status == 'deleted' then return {'missing'} end
if batch.status == 'canceled' then return {batch.status} end
local total = tonumber(batch.total)
local COPIED = {'model', 'lane', 'spec', 'parts', 'light', 'deadline_ms', 'custom_id', 'schema', 'reuse', 'work', 'pixels',
  'expected_bytes'}

-- The object keys of an item's files, nil where one is gone.
local function inputs_of(spec, missing)
  local inputs = {}
  for file in string.gmatch(spec, '"(file_%x+)"') do
    inputs[file] = redis.call('HGET', file_key(owner, file), 'key')
    if not inputs[file] then missing[#missing + 1] = file; return nil end
  end
  return inputs
end

-- What the new job takes over from the old one.
local function request_of(index, old_id, old)
  local request = {owner = owner, batch = batch_id, index = index, sequence = batch.sequence,
    type = cjson.decode(old.spec).type, retried_from = old_id, fingerprint = old_id}
  for _, name in ipairs(COPIED) do request[name] = old[name] end
  return request
end

local function may_retry(id, status)
  if alone and id ~= alone then return false end
  return status == 'failed' or status == 'expired' or alone and status == 'canceled'
end

-- What is needed to try an item again; nil where it may not be, or a file is gone.
local function candidate(index, missing)
  local old_id = item_id(batch_id, index)
  local status = job_value(old_id, 'status')
  if not may_retry(old_id, status) then return end
  local old = cjson.decode(job_value(old_id, 'packed'))
  local inputs = inputs_of(old.spec, missing)
  local code = old.error and cjson.decode(old.error).code
  return inputs
    and {index = index, status = status, inputs = inputs, request = request_of(index, old_id, old), code = code}
end

local function retry(item)
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
end

local items, missing, asked = {}, {}, {}
local to = math.min(from + most, total)
for index = from, to - 1 do
  local item = candidate(index, missing)
  if item then
    items[#items + 1] = item
    add_asked(asked, item.request)
  end
end
-- The first of several calls asks for room in the queue for all that may come.
local all = {queued = from == 0 and not alone and batch.failed + batch.expired or nil}
local refusal = over_quota(owner, all, quotas) or over_quota(owner, asked, quotas)
if refusal then return refusal end
hold_asked(owner, asked)
for _, item in ipairs(items) do retry(item) end
local count = #items
if count > 0 then
  local failed, expired, wrong = batch_values(batch_id, 'failed', 'expired', 'stop_wrong')
  if wrong then redis.call('HSET', batch_key(batch_id), 'stop_wrong', math.min(wrong, failed + expired)) end
end
if count > 0 and (batch.status == 'completed' or batch.status == 'failed') then
  redis.call('HDEL', batch_key(batch_id), 'completed_at', 'fetched_at')
  stop_to_expire(batch_key(batch_id), batch_id)
  forget_rate(batch_id)
  redis.call('HSET', batch_key(batch_id), 'status', 'running')
  emit(batch_id, 'state', {status = 'running'})
end
return {count, to < total and to or -1, missing}
