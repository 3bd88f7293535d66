-- include: records, idempotency, files, changes
-- Begin a batch, or find the one that the same key or id already began. The record is a JSON object of fields; the
-- key is '' for none. For a batch with a source, `templates` are what is made of each of its pictures, and `inputs` the
-- files that these name (JSON arrays). Returns {'created', id}, {'existing', id}, {'mismatch', id}, or {'missing', files}.
local id, owner, record, key, fingerprint, key_ttl_ms, templates, inputs = unpack(ARGV)
local name_of_key = key ~= '' and 'batch:' .. key or ''
local answer = answer_for_key(owner, name_of_key, fingerprint)
if answer then return answer end
if redis.call('EXISTS', batch_key(id)) == 1 then return {'existing', id} end
local request, objects, missing = cjson.decode(record), {}, {'missing'}
for _, file in ipairs(cjson.decode(inputs)) do
  objects[file] = redis.call('HGET', file_key(owner, file), 'key')
  if not objects[file] then missing[#missing + 1] = file end
end
if #missing > 1 then return missing end
for name, value in pairs(request) do redis.call('HSET', batch_key(id), name, value) end
for file, object in pairs(objects) do add_batch_reference(id, owner, file, object) end
for _, text in ipairs(cjson.decode(templates)) do redis.call('RPUSH', batch_templates_key(id), text) end
if request.source then redis.call('ZADD', IMPORTS, now, id) end
if request.destination then redis.call('ZADD', EXPORTS, now, id) end
local sequence = next_sequence(owner)
redis.call('HSET', batch_key(id), 'id', id, 'owner', owner, 'status', 'open', 'sequence', sequence,
  'created_at', now, 'next', 0, 'total', 0, 'counted', 0, 'queued', 0, 'running', 0, 'succeeded', 0, 'failed', 0,
  'canceled', 0, 'expired', 0, 'spent', 0)
redis.call('ZADD', owned_batches_key(owner), sequence, id)
-- A batch with a source is no client's to keep open: its importer ends it.
if not request.source then redis.call('ZADD', OPEN_BATCHES, now, id) end
keep_key(owner, name_of_key, id, fingerprint, key_ttl_ms)
emit(id, 'state', {status = 'open'})
note_change(owner, id)
return {'created', id}
