-- include: records, idempotency, places
-- Begin a bulk action, or find the one that the same key began. The record is a JSON object of fields, of which `of` is
-- the owner of the jobs; the key is '' for none. Returns {'created', id}, {'existing', id} or {'mismatch', id}.
local id, owner, record, key, fingerprint, key_ttl_ms = unpack(ARGV)
local MOST_FORGOTTEN = 20 -- ids of expired records, which are taken from the list here
local name_of_key = key ~= '' and 'action:' .. key or ''
local answer = answer_for_key(owner, name_of_key, fingerprint)
if answer then return answer end
local request = cjson.decode(record)
local sequence = next_sequence(owner)
for name, value in pairs(request) do redis.call('HSET', action_key(id), name, value) end
-- What is accepted from here on has this number or a higher one, and an item a later time.
local limit = (redis.call('GET', owned_sequence_key(request.of)) or redis.call('GET', SEQUENCE) or 0) + 1
if request.to and request.dry_run == '0' then
  redis.call('HSET', action_key(id), 'number', new_number(request.of, request.to))
end
redis.call('HSET', action_key(id), 'id', id, 'owner', owner, 'status', 'running', 'sequence', sequence, 'created_at', now,
  'limit', limit, 'cursor', limit, 'matched', 0, 'done', 0)
redis.call('ZADD', owned_actions_key(owner), sequence, id)
redis.call('ZADD', ACTION_WORK, now, id)
for _, old in ipairs(redis.call('ZRANGE', owned_actions_key(owner), 0, MOST_FORGOTTEN - 1)) do
  if redis.call('EXISTS', action_key(old)) == 0 then redis.call('ZREM', owned_actions_key(owner), old) end
end
keep_key(owner, name_of_key, id, fingerprint, key_ttl_ms)
return {'created', id}
