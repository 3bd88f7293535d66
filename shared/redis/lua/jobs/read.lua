-- Read the records of jobs, in order, until they have `most` bytes: at least one. Takes `most`, the
-- names of the fields to read, with spaces between them ("" for all), and the ids. Changes nothing. Returns the bytes, then a record for each job read: names and values in turn, none where there is no such job.
-- The parts that an item has in common with others of its batch count for each of them, as readers join them.
local FIRST_ID = 3 -- among the arguments
local most, wanted = tonumber(ARGV[1]), {}
local with_parts = ARGV[2] == ''
for name in string.gmatch(ARGV[2], '%S+') do
  wanted[#wanted + 1] = name
  with_parts = with_parts or name == 'parts'
end
local bytes, records = 0, {}

-- The fields of a record that are asked for: names and values in turn.
local function read(key)
  if #wanted == 0 then return redis.call('HGETALL', key) end
  local record = {}
  for i, text in ipairs(redis.call('HMGET', key, unpack(wanted))) do
    if text then
      record[#record + 1] = wanted[i]
      record[#record + 1] = text
    end
  end
  return record
end

local function part_bytes(record)
  local named, sum = {}, 0
  for i = 1, #record, 2 do named[record[i]] = record[i + 1] end
  local parts = named.parts or named.packed and cjson.decode(named.packed).parts or ''
  for digest in string.gmatch(parts, '%x+') do
    sum = sum + redis.call('HSTRLEN', batch_parts_key(named.batch), digest)
  end
  return sum
end

for place = FIRST_ID, #ARGV do
  local record = read(job_key(ARGV[place]))
  for _, text in ipairs(record) do bytes = bytes + #text end
  records[#records + 1] = record
  if with_parts then bytes = bytes + part_bytes(record) end
  if bytes >= most then break end
end
return {bytes, unpack(records)}
