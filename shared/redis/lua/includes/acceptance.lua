-- include: records, new_job, files, queues, moves, changes
-- Acceptance of a job by itself, whose quota was asked for: from here on it will be run.
local function accept_job(id, request, inputs, digest)
  local owner = request.owner
  request.sequence = next_sequence(owner)
  request.not_before = math.max(now, tonumber(request.not_before or 0))
  new_job(id, request, inputs)
  for file in pairs(inputs) do
    redis.call('SADD', file_users_key(owner, file), id)
    add_reference(owner, file)
  end
  redis.call('ZADD', owned_jobs_key(owner), request.sequence, id)
  if request.retried_from and redis.call('EXISTS', job_key(request.retried_from)) == 1 then
    change(request.retried_from, 'retried_as', id)
  end
  enqueue_job(id, request.not_before)
  emit(id, 'state', {status = 'queued', not_before = request.not_before > now and request.not_before or nil})
  note_change(owner, id)
  if request.reuse then reuse(id, owner, request.reuse, digest) end
  if request.parents then go_on(id, reuse) end
end
