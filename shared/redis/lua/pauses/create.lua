-- Keep a pause, a JSON object, unless one with this id is there, or there are too many: `most` in all, `most_by` that
-- the same owner made. Returns 'created', 'existing' or 'full'.
local id, text, most, by, most_by = unpack(ARGV)
if redis.call('HEXISTS', PAUSES, id) == 1 then return 'existing' end
local own = 0
for _, known in ipairs(redis.call('HVALS', PAUSES)) do
  if cjson.decode(known).by == by then own = own + 1 end
end
if own >= tonumber(most_by) or redis.call('HLEN', PAUSES) >= tonumber(most) then return 'full' end
redis.call('HSET', PAUSES, id, text)
return 'created'
