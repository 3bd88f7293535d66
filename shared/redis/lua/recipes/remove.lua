-- Forget a recipe with all versions. Returns 'ok' or 'missing'.
local owner, name = unpack(ARGV)
if redis.call('DEL', recipe_key(owner, name)) == 0 then return 'missing' end
redis.call('ZREM', owned_recipes_key(owner), name)
return 'ok'
