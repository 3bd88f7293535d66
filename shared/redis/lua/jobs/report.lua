-- Note how far an attempt is; its latest preview stays until there is a newer one. ARGV: id, attempt, progress (JSON)
local how = lease_state(ARGV[1], ARGV[2])
if how == 'ok' then
  local progress = cjson.decode(ARGV[3])
  change(ARGV[1], 'progress', ARGV[3])
  if progress.preview then redis.call('HSET', job_key(ARGV[1]), 'preview', progress.preview) end
  tell(ARGV[1], 'progress', progress)
end
return how
