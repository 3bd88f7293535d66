-- include: records, attempts, moves
-- running -> queued without counting the attempt: its worker shuts down, or finds no room for the result.
-- Returns the lease state.
local id, attempt, pause_ms, code = unpack(ARGV) -- the code is of an error, '' for none
local state = lease_state(id, attempt)
if state == 'ok' then put_back_uncounted(id, now + tonumber(pause_ms), 'released', code ~= '' and code or nil) end
return state
