-- include: records, changes
-- Note what became of results that a batch's destination gets, in the order in which its items ended: from the number
-- `first` on, for each a job's id and its delivery as JSON, '' for an item without results. Each is noted once,
-- whichever process put it there. Returns 'ok', or 'lost' where another process was before.
local id, first = unpack(ARGV)
local owner, exported = batch_values(id, 'owner', 'exported')
if not owner or (exported or '0') ~= first then return 'lost' end
local FIRST = 3 -- among the arguments
for i = FIRST, #ARGV, 2 do
  local job, told = ARGV[i], ARGV[i + 1]
  if told ~= '' then
    local is_there = cjson.decode(told).status == 'delivered'
    redis.call('HINCRBY', batch_key(id), is_there and 'delivered' or 'undelivered', 1)
    if redis.call('EXISTS', job_key(job)) == 1 then redis.call('HSET', job_key(job), 'delivery', told) end
  end
end
redis.call('HSET', batch_key(id), 'exported', first + (#ARGV - FIRST + 1) / 2)
note_change(owner, id)
return 'ok'
