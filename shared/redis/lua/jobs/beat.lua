-- Prolong every lease that a worker holds. ARGV: lease ms, then id, attempt pairs.
-- Returns a lease state for each pair: 'ok', 'canceled', 'expired' or 'lost'.
local states = {}
for i = 2, #ARGV, 2 do
  local how = lease_state(ARGV[i], ARGV[i + 1])
  if how == 'ok' then redis.call('ZADD', LEASES, now + tonumber(ARGV[1]), ARGV[i]) end
  states[#states + 1] = how
end
return states
