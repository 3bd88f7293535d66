-- include: records, attempts
-- Prolong every lease that a worker holds. Takes the lease in ms, then pairs of an id and an attempt.
-- Returns a lease state for each pair: 'ok', 'canceled', 'expired' or 'lost'.
local expires, states = now + tonumber(ARGV[1]), {}
for i = 2, #ARGV, 2 do
  local id, attempt = ARGV[i], ARGV[i + 1]
  local state = lease_state(id, attempt)
  if state == 'ok' then redis.call('ZADD', LEASES, expires, id) end
  states[#states + 1] = state
end
return states
