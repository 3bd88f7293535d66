-- Read the records of jobs, in order, until they have `most` bytes: at least one. Takes `most` and the ids. Changes
-- nothing. Returns the bytes, then a record for each job read: names and values in turn, none where there is no such job.
local most = tonumber(ARGV[1])
local bytes, records = 0, {}
for place = 2, #ARGV do
  local record = redis.call('HGETALL', job_key(ARGV[place]))
  for _, text in ipairs(record) do bytes = bytes + #text end
  records[#records + 1] = record
  if bytes >= most then break end
end
return {bytes, unpack(records)}
