-- include: records
-- Take batches whose next step from or to a place is due, each for a time: after that, whatever became of its process,
-- another goes on. `kind` is 'source' or 'destination'; after the named arguments come pairs, a place and how many of its
-- batches are in progress here. What a busy place may not have yet is put behind. Returns ids and places.
local kind, lease_ms, most, most_of_place = unpack(ARGV)
local BEHIND_MS = 500
local LOOKED_AT = 200
lease_ms, most, most_of_place = tonumber(lease_ms), tonumber(most), tonumber(most_of_place)
local due, busy, taken = kind == 'source' and IMPORTS or EXPORTS, {}, {}
for i = 5, #ARGV, 2 do busy[ARGV[i]] = tonumber(ARGV[i + 1]) end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, LOOKED_AT)) do
  if #taken >= 2 * most then break end
  local text = redis.call('HGET', batch_key(id), kind)
  if not text then
    redis.call('ZREM', due, id)
  else
    local place = cjson.decode(text).place
    if (busy[place] or 0) < most_of_place then
      busy[place] = (busy[place] or 0) + 1
      redis.call('ZADD', due, now + lease_ms, id)
      taken[#taken + 1] = id
      taken[#taken + 1] = place
    else
      redis.call('ZADD', due, now + BEHIND_MS, id)
    end
  end
end
return taken
