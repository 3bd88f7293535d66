-- The workers on the roster: pairs of an id and what is known of it; of one that fell silent, nothing is.
local found = {}
for _, id in ipairs(redis.call('SMEMBERS', WORKERS)) do
  table.insert(found, {id, redis.call('GET', worker_key(id))})
end
return found
