-- Forget files that nothing has named for long; their bytes become garbage. ARGV: most files
-- Returns how many were looked at.
local members = redis.call('ZRANGEBYSCORE', EXPIRING_FILES, '-inf', now, 'LIMIT', 0, ARGV[1])
for _, member in ipairs(members) do
  local owner, file = string.match(member, '^(.*):([^:]*)$')
  if is_needed(owner, file) then wake_file(owner, file) else forget_file(owner, file) end
end
return #members
