-- include: records, idempotency, chains, acceptance, quotas
-- Accept a job, or find the one that the same key or id already made, or that tries the same one again. The record is
-- a JSON object of fields, the input ids are a JSON array, with the names of outputs of jobs; the key is '' for none, the
-- digest that of the model which the workers have, '' for none. `quotas` are those of owners that have none of their own (a
-- JSON object). The doorbell goes into the list `bells`, '' for none, unless that has `most_bells`. With `trial` '1' nothing
-- is changed, and 'trial' says that the job would be accepted.
-- Returns {'created', id, its record}, {'existing', id}, {'mismatch', id}, {'gone', id},
-- {'missing', ids}, {'chain', an input}, or a refusal by quota.
local id, owner, record, input_ids, key, fingerprint, key_ttl_ms, digest, quotas, trial, bells, doorbell, most_bells =
  unpack(ARGV)
local request, files, outputs = cjson.decode(record), naming.sorted(cjson.decode(input_ids))

local answer = answer_for_key(owner, key, fingerprint)
if answer then return answer end
local known_owner, known_fingerprint = job_values(id, 'owner', 'fingerprint')
if known_owner and known_owner ~= owner then return {'mismatch', id} end
if known_owner then return existing_or_mismatch(id, known_fingerprint, fingerprint) end
local gone_owner = redis.call('GET', gone_key(id))
if gone_owner then return {gone_owner == owner and 'gone' or 'mismatch', id} end

-- A job is tried again once at a time: its record is copied, however large it is.
local function unfinished_retry(of)
  local again = of and of ~= '' and job_value(of, 'retried_as')
  local status = again and job_value(again, 'status')
  return (status == 'queued' or status == 'running') and again or nil
end
local again = unfinished_retry(request.retried_from)
if again then
  keep_key(owner, key, again, fingerprint, key_ttl_ms)
  return {'existing', again}
end

local inputs, missing = {}, {}
for _, file in ipairs(files) do
  local stored = redis.call('HGET', file_key(owner, file), 'key')
  if stored then inputs[file] = stored else missing[#missing + 1] = file end
end
if #missing > 0 then return {'missing', unpack(missing)} end
if #outputs > 0 then
  local found, why, name = naming.parents_of(owner, outputs)
  if why then return {why, name} end
  request.parents, request.depth, request.reuse_digest = found.parents, found.depth or 0, request.reuse_base and digest
end

local asked = {}
add_asked(asked, request)
local refusal = over_quota(owner, asked, quotas)
if refusal then return refusal end
if trial == '1' then return {'trial', id} end
hold_asked(owner, asked)

request.owner, request.fingerprint = owner, fingerprint
keep_key(owner, key, id, fingerprint, key_ttl_ms)
accept_job(id, request, inputs, digest)
if bells ~= '' and redis.call('LLEN', bells) < tonumber(most_bells) then redis.call('LPUSH', bells, doorbell) end
return {'created', id, redis.call('HGETALL', job_key(id))}
