-- include: records
-- Idempotency: a request that comes again finds what it made.
local function existing_or_mismatch(id, known_fingerprint, fingerprint)
  return {known_fingerprint == fingerprint and 'existing' or 'mismatch', id}
end

-- What a request is answered whose key came before; nil for a new key, and for '', which is none.
local function answer_for_key(owner, key, fingerprint)
  if key == '' then return end
  local known, known_fingerprint = values(idempotency_key(owner, key), 'id', 'fingerprint')
  if known then return existing_or_mismatch(known, known_fingerprint, fingerprint) end
end

local function keep_key(owner, key, id, fingerprint, ttl_ms)
  if key == '' then return end
  redis.call('HSET', idempotency_key(owner, key), 'id', id, 'fingerprint', fingerprint)
  redis.call('PEXPIRE', idempotency_key(owner, key), ttl_ms)
end
