-- include: records, attempts, changes
-- Note how far an attempt is; its latest preview stays until there is a newer one. Returns the lease state.
local id, attempt, text = unpack(ARGV) -- the text is JSON
local state = lease_state(id, attempt)
if state == 'ok' then
  local progress = cjson.decode(text)
  change(id, 'progress', text)
  if progress.preview then redis.call('HSET', job_key(id), 'preview', progress.preview) end
  local owner, batch = job_values(id, 'owner', 'batch')
  if not batch then
    emit(id, 'progress', progress)
    note_change(owner, id)
  end
end
return state
