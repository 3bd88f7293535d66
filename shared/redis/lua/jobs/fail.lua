-- include: attempts, moves
-- running -> failed, for an error that no later attempt can avoid. Returns the lease state.
local id, attempt, error = unpack(ARGV) -- the error is JSON
local state = lease_state(id, attempt)
if state == 'ok' then
  end_attempt(id, 'failed', cjson.decode(error).code)
  finish(id, 'failed', 'error', error)
end
return state
