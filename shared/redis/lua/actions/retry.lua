-- include: records, retries, chains, acceptance, quotas, actions
-- Try the next jobs again that a bulk action found; an item goes again in its place. `quotas` are those of owners that
-- have none of their own (a JSON object); then comes an id for each new job. Returns how many found ones are left.
local id, quotas = unpack(ARGV)
local FIRST_ID = 3 -- among the arguments
local action = fields(action_key(id), 'of', 'only_status', 'status')
if action.status ~= 'running' then return 0 end
local owner = action.of
local COPIED_OF_JOB = {'type', 'model', 'spec', 'ttl_ms', 'schema', 'reuse', 'work', 'pixels', 'expected_bytes', 'deadline_ms',
  'webhook', 'key', 'reuse_base', 'reuse_digest'}

local function ask_for(request)
  local asked = {}
  add_asked(asked, request)
  if over_quota(owner, asked, quotas) then return 'failed', 'quota_exceeded' end
  hold_asked(owner, asked)
end

local function retry_item_of(batch_id, job)
  local status, sequence, swept = batch_values(batch_id, 'status', 'sequence', 'swept')
  local index = full_record(job).index or 0
  if status == 'canceled' and swept or status == 'deleted' then return 'skipped', 'batch_' .. status end
  if item_id(batch_id, index) ~= job then return 'skipped', 'retried' end
  local item = item_to_retry(owner, batch_id, sequence, index, {})
  if not item then return 'failed', 'file_not_found' end
  local outcome, why = ask_for(item.request)
  if outcome then return outcome, why end
  retry_item(owner, batch_id, item)
  reopen_batch(batch_id)
end

-- Why the parents of a job cannot be named again; nil where they can, and `request` has what the new job has of them.
local function refusal_of_chain(request, old)
  if not old.parents then return nil end
  local found, why = naming.parents_of(owner, naming.of_record(old.parents))
  if why then return why == 'missing' and 'job_not_found' or 'chain_too_long' end
  for _, pair in ipairs(cjson.decode(found.parents)) do
    local status = job_value(pair[2], 'status')
    if status ~= 'succeeded' and not chain.is_unfinished(status) then return 'parent_failed' end
  end
  request.parents, request.depth = found.parents, found.depth or 0
  if request.reuse_base then request.reuse = nil end
end

-- The new job has what the old one was accepted with: it waits in the lane that its input names.
local function retry_job(job)
  local old, inputs = full_record(job), {}
  if old.retried_as then return 'skipped', 'retried' end
  for file in pairs(cjson.decode(old.inputs)) do
    inputs[file] = redis.call('HGET', file_key(owner, file), 'key')
    if not inputs[file] then return 'failed', 'file_not_found' end
  end
  local request = {owner = owner, retried_from = job, fingerprint = redis.sha1hex('retry ' .. job),
    lane = cjson.decode(old.spec).lane}
  for _, name in ipairs(COPIED_OF_JOB) do request[name] = old[name] end
  local fault = refusal_of_chain(request, old)
  if fault then return 'failed', fault end
  local outcome, why = ask_for(request)
  if outcome then return outcome, why end
  accept_job(table.remove(ARGV), request, inputs, '')
end

local function retry(job, status)
  if status ~= 'failed' and status ~= 'canceled' and status ~= 'expired' then return 'skipped', status end
  local batch_id = job_value(job, 'batch')
  if batch_id then return retry_item_of(batch_id, job) end
  return retry_job(job)
end
return act_on_next(id, #ARGV - FIRST_ID + 1, action, retry)
