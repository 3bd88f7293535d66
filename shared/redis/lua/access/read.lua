-- include: records, access
-- All keys, if any has changed since a version. Changes nothing.
-- Returns the version, which is the id of the latest change, and the time; then the records.
local known, version = ARGV[1], keys_version()
local found = {version, now}
if version == known then return found end
for _, id in ipairs(redis.call('ZRANGE', API_KEYS, 0, -1)) do
  found[#found + 1] = redis.call('HGETALL', api_key_key(id))
end
return found
