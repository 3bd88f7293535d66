-- include: records, idempotency, changes
-- Begin a batch, or find the one that the same key or id already began. The record is a JSON object of fields; the
-- key is '' for none. Returns {'created', id}, {'existing', id} or {'mismatch', id}.
local id, owner, record, key, fingerprint, key_ttl_ms = unpack(ARGV)
local name_of_key = key ~= '' and 'batch:' .. key or ''
local answer = answer_for_key(owner, name_of_key, fingerprint)
if answer then return answer end
if redis.call('EXISTS', batch_key(id)) == 1 then return {'existing', id} end
for name, value in pairs(cjson.decode(record)) do redis.call('HSET', batch_key(id), name, value) end
local sequence = next_sequence(owner)
redis.call('HSET', batch_key(id), 'id', id, 'owner', owner, 'status', 'open', 'sequence', sequence,
  'created_at', now, 'next', 0, 'total', 0, 'counted', 0, 'queued', 0, 'running', 0, 'succeeded', 0, 'failed', 0,
  'canceled', 0, 'expired', 0, 'spent', 0)
redis.call('ZADD', owned_batches_key(owner), sequence, id)
redis.call('ZADD', OPEN_BATCHES, now, id)
keep_key(owner, name_of_key, id, fingerprint, key_ttl_ms)
emit(id, 'state', {status = 'open'})
note_change(owner, id)
return {'created', id}
