-- Prolong every lease that a worker holds. ARGV: lease ms, then id, attempt pairs.
-- Returns a standing for each pair: 'ok', 'canceled', 'expired' or 'lost'.
local standings = {}
for i = 2, #ARGV, 2 do
  local how = standing(ARGV[i], ARGV[i + 1])
  if how == 'ok' then redis.call('ZADD', LEASES, now + tonumber(ARGV[1]), ARGV[i]) end
  standings[#standings + 1] = how
end
return standings
