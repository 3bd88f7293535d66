-- include: records
-- Keep settings as the next version of a recipe, unless its latest version has the same. Of an owner's recipes there
-- are at most `most`, and of each the latest `versions` are kept. Returns 'created', 'existing' or 'full', and the record.
local owner, name, settings, most, versions = unpack(ARGV)
local key = recipe_key(owner, name)
local latest = tonumber(redis.call('HGET', key, 'latest') or 0)
if latest == 0 and redis.call('ZCARD', owned_recipes_key(owner)) >= tonumber(most) then return {'full', {}} end
if latest > 0 and redis.call('HGET', key, 'settings:' .. latest) == settings then
  return {'existing', redis.call('HGETALL', key)}
end
latest = latest + 1
redis.call('HSET', key, 'name', name, 'owner', owner, 'latest', latest, 'settings:' .. latest, settings,
  'created:' .. latest, now)
local old = latest - versions
while old > 0 and redis.call('HDEL', key, 'settings:' .. old, 'created:' .. old) > 0 do old = old - 1 end
redis.call('ZADD', owned_recipes_key(owner), next_sequence(owner), name)
return {'created', redis.call('HGETALL', key)}
