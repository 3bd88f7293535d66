-- include: records, attempts, moves
-- running -> queued without counting the attempt: its worker shuts down, or finds no room for the result.
-- Returns the lease state.
-- The code is of an error, '' for none; `stored_nothing` is '1' where the attempt leaves no bytes for certain.
local id, attempt, pause_ms, code, stored_nothing = unpack(ARGV)
local state = lease_state(id, attempt)
if state == 'ok' then
  put_back_uncounted(id, now + tonumber(pause_ms), 'released', code ~= '' and code or nil, stored_nothing == '1')
end
return state
