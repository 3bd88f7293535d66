-- running -> failed, for an error that no later attempt can mend. ARGV: id, attempt, error (JSON)
local how = lease_state(ARGV[1], ARGV[2])
if how == 'ok' then
  end_attempt(ARGV[1], 'failed', cjson.decode(ARGV[3]).code)
  finish(ARGV[1], 'failed', 'error', ARGV[3])
end
return how
