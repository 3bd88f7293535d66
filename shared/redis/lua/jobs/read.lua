-- Read the records of jobs, in order, until they have `most` bytes: at least one. Takes `most` and the ids. Changes
-- nothing. Returns the bytes, then a record for each job read: names and values in turn, none where there is no such job.
-- The parts that an item has in common with others of its batch count for each of them, as readers join them.
local most = tonumber(ARGV[1])
local bytes, records = 0, {}

local function part_bytes(record)
  local named, sum = {}, 0
  for i = 1, #record, 2 do named[record[i]] = record[i + 1] end
  local parts = named.parts or named.packed and cjson.decode(named.packed).parts or ''
  for digest in string.gmatch(parts, '%x+') do
    sum = sum + redis.call('HSTRLEN', batch_parts_key(named.batch), digest)
  end
  return sum
end

for place = 2, #ARGV do
  local record = redis.call('HGETALL', job_key(ARGV[place]))
  for _, text in ipairs(record) do bytes = bytes + #text end
  records[#records + 1] = record
  bytes = bytes + part_bytes(record)
  if bytes >= most then break end
end
return {bytes, unpack(records)}
