-- running -> queued without counting the attempt: its worker shuts down, or finds no room for the result.
-- ARGV: id, attempt, pause ms, error code or ''
local id = ARGV[1]
local how = lease_state(id, ARGV[2])
if how == 'ok' then
  redis.call('HINCRBY', job_key(id), 'released', 1)
  end_attempt(id, 'released', ARGV[4] ~= '' and ARGV[4] or nil)
  put_back(id, now + tonumber(ARGV[3]))
end
return how
