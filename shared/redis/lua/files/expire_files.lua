-- include: records, files
-- Forget files that nothing has named for long; their bytes become garbage. Returns how many were looked at.
local most = ARGV[1]
local members = redis.call('ZRANGEBYSCORE', EXPIRING_FILES, '-inf', now, 'LIMIT', 0, most)
for _, member in ipairs(members) do
  local owner, file = string.match(member, '^(.*):([^:]*)$')
  if is_needed(owner, file) then stop_expiry(owner, file) else forget_file(owner, file) end
end
return #members
