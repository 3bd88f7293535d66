-- include: records, holdings
-- An owner's own limits and what it has: two flat lists. Changes nothing.
local owner = ARGV[1]
local found = {'running', 0}
for _, name in ipairs({'queued', 'stored_bytes', 'daily_pixels'}) do
  found[#found + 1] = name
  found[#found + 1] = holds(owner, name)
end
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  if job_value(id, 'owner') == owner then found[2] = found[2] + 1 end
end
return {redis.call('HGETALL', quota_key(owner)), found}
