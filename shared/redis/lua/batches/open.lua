-- Begin a batch, or find the one that the same key or id already began.
-- ARGV: id, owner, record (JSON object of fields), idempotency key or '', fingerprint, idempotency ttl ms
local id, owner, fields = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local key, fingerprint = ARGV[4], ARGV[5]
local idem = idempotency_key(owner, 'batch:' .. key)
if key ~= '' then
  local known = redis.call('HMGET', idem, 'id', 'fingerprint')
  if known[1] then return {known[2] == fingerprint and 'existing' or 'mismatch', known[1]} end
end
if redis.call('EXISTS', batch_key(id)) == 1 then return {'existing', id} end
for name, value in pairs(fields) do redis.call('HSET', batch_key(id), name, value) end
local sequence = redis.call('INCR', SEQUENCE)
redis.call('HSET', batch_key(id), 'id', id, 'owner', owner, 'status', 'open', 'sequence', sequence,
  'created_at', now, 'next', 0, 'total', 0, 'counted', 0, 'queued', 0, 'running', 0, 'succeeded', 0, 'failed', 0,
  'canceled', 0, 'expired', 0, 'spent', 0)
redis.call('ZADD', owned_batches_key(owner), sequence, id)
redis.call('ZADD', OPEN_BATCHES, now, id)
if key ~= '' then
  redis.call('HSET', idem, 'id', id, 'fingerprint', fingerprint)
  redis.call('PEXPIRE', idem, ARGV[6])
end
emit(id, 'state', {status = 'open'})
return {'created', id}
