-- include: records, new_job, waits, queues, files, chains, moves, quotas, changes
-- Accept items into an open batch, all or none. Those that came before under the same index are passed over. The
-- digests are of the models that the workers have, `quotas` those of owners that have none of their own (JSON objects). A
-- batch's items take `most_bytes` at most, each its specification and `item_bytes`. After the named arguments come
-- `part_count` parts of specifications that the items share, each its digest and its text; then, for each item: its
-- record (JSON object of fields), input ids (JSON array), fingerprint. One that is `refused` fails at once with that error.
-- Returns {'ok', total}, or why not: {'missing', positions and ids}, {'chain', an input}, {'full'}, {'bytes', used, wanted},
-- {'gap', total}, {'mismatch', index}, {'names', custom ids}, a refusal by quota, or the batch's status, 'missing batch'
-- where there is none.
local batch_id, owner, first, most, most_bytes, item_bytes, digests, quotas, part_count = unpack(ARGV)
local FIRST_PART = 10 -- among the arguments
local FIRST_ITEM = FIRST_PART + 2 * part_count
first, most, most_bytes, item_bytes = tonumber(first), tonumber(most), tonumber(most_bytes), tonumber(item_bytes)
digests = cjson.decode(digests)
local batch = fields(batch_key(batch_id), 'owner', 'status', 'finalized_at', 'total', 'sequence', 'lane', 'paused',
  'counted', 'bytes', 'not_before', 'order', 'source')
if batch.owner ~= owner then return {'missing batch'} end
local total = tonumber(batch.total)
local count = (#ARGV - FIRST_ITEM + 1) / 3
local names = batch_names_key(batch_id)

local function is_same(index, fingerprint)
  local known, status = job_values(item_id(batch_id, index), 'fingerprint', 'status')
  return known == fingerprint or (status and not known) -- one that has ended keeps none
end

if first > total then return {'gap', total} end
if first + count > most then return {'full'} end
local items, named, missing, bytes = {}, {}, {'missing'}, 0
local objects = {} -- the object key of each file
local asked = {}
for i = 0, count - 1 do
  local index, base = first + i, FIRST_ITEM + 3 * i
  local record, input_ids, fingerprint = ARGV[base], ARGV[base + 1], ARGV[base + 2]
  if index < total then
    if not is_same(index, fingerprint) then return {'mismatch', index} end
  else
    local request, inputs = cjson.decode(record), {}
    named[#named + 1] = request.custom_id
    local files, outputs = naming.sorted(cjson.decode(input_ids))
    for _, file in ipairs(files) do
      objects[file] = objects[file] or redis.call('HGET', file_key(owner, file), 'key')
      if objects[file] then inputs[file] = objects[file]
      else missing[#missing + 1] = index; missing[#missing + 1] = file end
    end
    local _, why, name = naming.parents_of(owner, outputs)
    if why == 'chain' then return {why, name} end
    if why then missing[#missing + 1] = index; missing[#missing + 1] = name end
    request.index, request.fingerprint = index, fingerprint
    bytes = bytes + #request.spec + item_bytes
    add_asked(asked, request)
    local refused = request.refused
    request.refused = nil
    items[#items + 1] = {id = first_item_id(batch_id, index), request = request, inputs = inputs, outputs = outputs,
      refused = refused}
  end
end
if #items > 0 and (batch.status == 'canceled' or batch.finalized_at) then
  return {batch.finalized_at and 'finalized' or batch.status}
end
local parts, part_bytes = {}, 0 -- new ones, each its digest and its text
for i = FIRST_PART, FIRST_ITEM - 1, 2 do
  if redis.call('HEXISTS', batch_parts_key(batch_id), ARGV[i]) == 0 then
    parts[#parts + 1] = ARGV[i]
    parts[#parts + 1] = ARGV[i + 1]
    part_bytes = part_bytes + #ARGV[i] + #ARGV[i + 1]
  end
end
local used, wanted = tonumber(batch.bytes or 0), bytes + part_bytes
if #items > 0 and used + wanted > most_bytes then return {'bytes', used, wanted} end
local taken = {}
for i, is_taken in ipairs(#named > 0 and redis.call('SMISMEMBER', names, unpack(named)) or {}) do
  if is_taken == 1 then taken[#taken + 1] = named[i] end
end
if #taken > 0 then return {'names', unpack(taken)} end
if #missing > 1 then return missing end
local refusal = over_quota(owner, asked, quotas)
if refusal then return refusal end
hold_asked(owner, asked)
if batch.source then -- its items come some at a time, and are bounded together
  redis.call('HINCRBY', batch_key(batch_id), 'source_pixels', asked.daily_pixels or 0)
  redis.call('HINCRBY', batch_key(batch_id), 'source_bytes', asked.stored_bytes or 0)
end

local place = batch.order or batch.sequence
local waits = {} -- by kind of work: orders and ids
for _, item in ipairs(items) do
  local request = item.request
  request.owner, request.batch, request.sequence, request.lane = owner, batch_id, batch.sequence, batch.lane
  new_job(item.id, request, item.inputs)
  local work = work_of(request.model, request.work)
  waits[work] = waits[work] or {}
  table.insert(waits[work], order_of(place, request.index))
  table.insert(waits[work], item.id)
end
-- Without new items, too: the next page of the same request may refer to them.
if #parts > 0 and not (batch.status == 'canceled' or batch.finalized_at) then
  redis.call('HSET', batch_parts_key(batch_id), unpack(parts))
  redis.call('HINCRBY', batch_key(batch_id), 'bytes', part_bytes)
end
for file, object in pairs(objects) do add_batch_reference(batch_id, owner, file, object) end
if #items > 0 then
  redis.call('SADD', names, unpack(named))
  redis.call('HINCRBY', batch_key(batch_id), 'total', #items)
  redis.call('HINCRBY', batch_key(batch_id), 'queued', #items)
  redis.call('HINCRBY', batch_key(batch_id), 'bytes', bytes)
  if not batch.paused then start_batch(batch_id, batch.lane, owner, place, batch.not_before) end
end
-- Have the new items wait: one call for those that are alike.
for work, entries in pairs(waits) do
  redis.call('ZADD', waits_key(batch.lane, owner, work), unpack(entries))
  redis.call('SADD', works_key(batch.lane, owner), work)
end
if #items > 0 then note_change(owner, batch_id) end
if batch.counted == batch.total then redis.call('HSET', batch_key(batch_id), 'counted', total + #items) end

for _, item in ipairs(items) do
  local request = item.request
  if item.refused then
    end_job(item.id, 'failed', 'error', item.refused)
  elseif request.reuse then
    reuse(item.id, owner, request.reuse, digests[request.model] or '')
  end
  if #item.outputs > 0 then
    local found = naming.parents_of(owner, item.outputs)
    if request.reuse_base then redis.call('HSET', job_key(item.id), 'reuse_digest', digests[request.model] or '') end
    begin_chain(item.id, found)
  end
end
settle_children(reuse)
return {'ok', total + #items}
