-- include: records, result_cache, holdings
-- Chains: a job may read the output of another job of its owner, its parent. `parents` of its record is a JSON array of
-- pairs: the name in its specification, job:ID/NUMBER, and the job that it stands for. It is in no queue while one of them
-- has not ended: `waits_for` names that one. `awaiting:` has the children of a job that wait for it, and AWAITED all jobs
-- that are waited for, by when the reaper looks at them: so no child waits for a job that an older Atelier ended.
-- What was taken of a parent is in the child's `inputs`, and in `taken` until the child has ended: till then the parent's
-- bytes are shared with it, and stay, whatever becomes of the parent's record.
-- As large scripts have few names left (Lua allows 200), the functions are in two tables.
-- There is no circle: a job names only jobs that are there when it is accepted, and none of its own names changes later.
-- `ended` are those jobs that end in this script and have, or had, children that wait; after LOOK_MS the reaper looks again.
local chain = {LOOK_MS = 5000, ended = {}}
function chain.is_unfinished(status) return status == 'queued' or status == 'running' end

function chain.await(parent, id)
  redis.call('SADD', awaiting_key(parent), id)
  redis.call('ZADD', AWAITED, 'NX', now + chain.LOOK_MS, parent)
end

-- What a child takes of a parent that succeeded, nil where that has no such output. The bytes stay as long.
function chain.take_output(name, done, taken)
  local output = cjson.decode(done.outputs)[string.match(name, '%d+$') + 1]
  if not output then return nil end
  local source, is_new = done.cached_from or done.id, true
  for _, other in pairs(taken) do is_new = is_new and other.source ~= source end
  if is_new then share_outputs(source) end
  taken[name] = {source = source, sha256 = output.sha256, bytes = done.stored_bytes or 0}
  return output.key
end

-- Take the outputs of a child's parents that are done. Returns the first parent that is not; or nil, and where there will
-- be no picture the parent and why.
function chain.take_outputs(id)
  local parents, inputs, taken = job_values(id, 'parents', 'inputs', 'taken')
  inputs, taken = cjson.decode(inputs), taken and cjson.decode(taken) or {}
  local waits_for, failed, why
  for _, pair in ipairs(cjson.decode(parents)) do
    local name, parent = pair[1], pair[2]
    local done = not taken[name] and full_record(parent) or {}
    if chain.is_unfinished(done.status) then
      waits_for = waits_for or parent
      redis.call('HSET', job_key(parent), 'children', 1)
      chain.await(parent, id)
    elseif not taken[name] then
      inputs[name] = done.status == 'succeeded' and chain.take_output(name, done, taken) or nil
      if not inputs[name] then failed, why = parent, done.status or 'gone' end
    end
  end
  if next(taken) then redis.call('HSET', job_key(id), 'inputs', cjson.encode(inputs), 'taken', cjson.encode(taken)) end
  return not failed and waits_for or nil, failed, why
end

-- A child has ended, or will never start: nothing is kept for it any more.
function chain.leave(id, owner, batch, parents, taken)
  local sources = {}
  if batch then redis.call('SREM', batch_waiting_key(batch), id) end
  local inputs = cjson.decode(job_value(id, 'inputs') or '{}')
  for _, pair in ipairs(cjson.decode(parents)) do
    redis.call('SREM', awaiting_key(pair[2]), id)
    inputs[pair[1]] = nil
  end
  redis.call('HSET', job_key(id), 'inputs', next(inputs) and cjson.encode(inputs) or '{}')
  for _, each in pairs(taken and cjson.decode(taken) or {}) do sources[each.source] = each.bytes end
  for source, bytes in pairs(sources) do unshare(source, owner, bytes) end
  redis.call('HDEL', job_key(id), 'taken', 'waits_for', 'depth')
end

-- What makes a child equal to others: what its submission says, and the bytes of what it takes, in the order of names.
function chain.equality_of(base, parents, taken)
  local digests = {base}
  for _, pair in ipairs(cjson.decode(parents)) do digests[#digests + 1] = taken[pair[1]].sha256 end
  return redis.sha1hex(table.concat(digests, ' '))
end

function chain.error_of_parent(parent, why)
  local ends = {canceled = 'was canceled', gone = 'is gone', succeeded = 'made fewer pictures'}
  return cjson.encode({code = 'parent_failed', title = 'A job that this one needs made no picture',
    detail = 'the job ' .. parent .. ', whose output it takes, ' .. (ends[why] or why)})
end

-- A restored child waits again for what it has not taken; the reaper looks at once. What it has taken stays.
function chain.readmit(id, job)
  local taken, sources = job.taken and cjson.decode(job.taken) or {}, {}
  if job.batch and job.waits_for then redis.call('SADD', batch_waiting_key(job.batch), id) end
  for _, pair in ipairs(cjson.decode(job.parents)) do
    if not taken[pair[1]] then chain.await(pair[2], id) redis.call('ZADD', AWAITED, 0, pair[2]) end
  end
  for _, each in pairs(taken) do sources[each.source] = each.bytes end
  for source, bytes in pairs(sources) do
    local is_last = share_outputs(source) == 1 and redis.call('EXISTS', job_key(source)) == 0
    if is_last then hold(job.owner, 'stored_bytes', bytes) end
  end
end

-- How many may wait for one job, and in a row; as in shared/jobs/submission.py.
local naming = {MOST_CHILDREN = 10000, MOST_DEPTH = 16}
-- The job that a name stands for: the named one, or where that made nothing, the latest that was made to try it again.
function naming.latest_try(id)
  local status, again, batch = job_values(id, 'status', 'retried_as', 'batch')
  if status == 'succeeded' then return id end
  if batch then again = item_id(batch, string.match(id, '^job_%x+%-(%d+)')) end
  if not again or again == id or redis.call('EXISTS', job_key(again)) == 0 then return id end
  return naming.latest_try(again)
end

-- The job that an output is of, by the output's name.
function naming.job_of(name) return string.match(name, '^job:(.*)/%d+$') end

-- The names of the outputs that a job takes, by `parents` of its record; nil for one without.
function naming.of_record(parents)
  if not parents then return nil end
  local names = {}
  for _, pair in ipairs(cjson.decode(parents)) do names[#names + 1] = pair[1] end
  return names
end

-- What the record of an owner's job that names some outputs has: `parents`, and `depth`, the number of jobs in a row of
-- which each waits for the one before. Then why they may not be named: nil, or 'missing' or 'chain', and the name.
function naming.parents_of(owner, names)
  local parents, depth, refusal, refused = {}, 0, nil, nil
  for _, name in ipairs(names) do
    local id = naming.job_of(name)
    if job_value(id, 'owner') ~= owner then refusal, refused = refusal or 'missing', refused or name end
    id = naming.latest_try(id)
    local status, waits_for, deep = job_values(id, 'status', 'waits_for', 'depth')
    parents[#parents + 1] = {name, id}
    if chain.is_unfinished(status) then
      depth = math.max(depth, 1 + (waits_for and deep or 0))
      local is_full = depth > naming.MOST_DEPTH or redis.call('SCARD', awaiting_key(id)) >= naming.MOST_CHILDREN
      if is_full then refusal, refused = refusal or 'chain', refused or name end
    end
  end
  return {parents = cjson.encode(parents), depth = depth > 0 and depth or nil}, refusal, refused
end

-- The names of files, and those of outputs, of a list of both.
function naming.sorted(names)
  local files, outputs = {}, {}
  for _, name in ipairs(names) do table.insert(string.sub(name, 1, 4) == 'job:' and outputs or files, name) end
  return files, outputs
end
