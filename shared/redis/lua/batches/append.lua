-- Accept items into an open batch, all or none. Those that came before under the same index are passed over.
-- ARGV: batch, owner, index of the first, most items, digests of the models that the workers have (JSON object),
--       then for each item: record (JSON object of fields), input ids (JSON array), fingerprint
-- Returns {'ok', total}, or why not: {'missing', positions and file ids}, {'full'}, {'gap', total},
-- {'mismatch', index}, {'names', custom ids}, or the batch's status, 'missing batch' where there is none.
local batch, owner, first, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('HMGET', batch_key(batch), 'owner', 'status', 'finalized_at', 'total', 'sequence', 'lane', 'ttl_ms', 'paused',
  'counted')
if known[1] ~= owner then return {'missing batch'} end
local total = tonumber(known[4])
local digests = cjson.decode(ARGV[5])
local count = (#ARGV - 5) / 3
local names = batch_names_key(batch)

local function is_known(index) return index < total end
local function same(index, fingerprint)
  local there = get(item_id(batch, index), 'fingerprint', 'status')
  return there[1] == fingerprint or (there[2] and not there[1]) -- an item that has ended keeps no fingerprint
end

if first > total then return {'gap', total} end
if first + count > most then return {'full'} end
local items, taken, missing = {}, {}, {'missing'}
local files = {}
for i = 0, count - 1 do
  local index, base = first + i, 6 + 3 * i
  if is_known(index) then
    if not same(index, ARGV[base + 2]) then return {'mismatch', index} end
  else
    local item = {index = index, fields = cjson.decode(ARGV[base]), keys = {}, print = ARGV[base + 2]}
    if redis.call('SISMEMBER', names, item.fields.custom_id) == 1 then taken[#taken + 1] = item.fields.custom_id end
    for _, file in ipairs(cjson.decode(ARGV[base + 1])) do
      files[file] = files[file] or redis.call('HGET', file_key(owner, file), 'key')
      if files[file] then item.keys[file] = files[file]
      else missing[#missing + 1] = index; missing[#missing + 1] = file end
    end
    items[#items + 1] = item
  end
end
if #items > 0 and (known[2] == 'canceled' or known[3]) then return {known[3] and 'finalized' or known[2]} end
if #taken > 0 then return {'names', unpack(taken)} end
if #missing > 1 then return missing end

for _, item in ipairs(items) do
  local id = item_id(batch, item.index)
  local flat = {'id', id, 'owner', owner, 'status', 'queued', 'batch', batch, 'index', item.index,
    'inputs', next(item.keys) and cjson.encode(item.keys) or '{}', 'fingerprint', item.print, 'version', 0,
    'attempt', 0, 'released', 0, 'failures', 0, 'crashes', 0, 'sequence', known[5], 'created_at', now,
    'not_before', now}
  for name, value in pairs(item.fields) do flat[#flat + 1] = name; flat[#flat + 1] = value end
  redis.call('HSET', job_key(id), unpack(flat))
  if item.fields.deadline_ms then
    local deadline = now + tonumber(item.fields.deadline_ms)
    redis.call('HSET', job_key(id), 'deadline_at', deadline)
    redis.call('ZADD', DEADLINES, deadline, id)
  end
  redis.call('SADD', names, item.fields.custom_id)
end
for file, object in pairs(files) do name_batch_file(batch, owner, file, object) end
if #items > 0 then
  redis.call('HINCRBY', batch_key(batch), 'total', #items)
  redis.call('HINCRBY', batch_key(batch), 'queued', #items)
  if not known[8] then line_up(known[6], owner, known[5], batch) end
end
-- Have the new items wait: one call for those that are alike.
local waits = {}
for _, item in ipairs(items) do
  local work = work_of(item.fields.model, item.fields.work)
  waits[work] = waits[work] or {}
  table.insert(waits[work], order_of(known[5], item.index))
  table.insert(waits[work], item_id(batch, item.index))
end
for work, entries in pairs(waits) do
  redis.call('ZADD', waits_key(known[6], owner, work), unpack(entries))
  redis.call('SADD', works_key(known[6], owner), work)
end
if known[9] == known[4] then redis.call('HSET', batch_key(batch), 'counted', total + #items) end

for _, item in ipairs(items) do
  local fields = item.fields
  if fields.reuse then reuse(item_id(batch, item.index), owner, fields.reuse, digests[fields.model] or '') end
end
return {'ok', total + #items}
