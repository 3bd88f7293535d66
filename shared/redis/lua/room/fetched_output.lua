-- include: records, expiry
-- Note that one output of a job was sent whole: its number, and how many the job has. Of an item, its batch ('' for none)
-- and its index, too.
local id, output, outputs, batch, index = unpack(ARGV)
if redis.call('EXISTS', job_key(id)) == 0 or batch ~= '' and redis.call('EXISTS', batch_key(batch)) == 0 then return end

local function has_all()
  if tonumber(outputs) == 1 then return true end
  local seen = job_value(id, 'fetched') or ' '
  if not string.find(seen, ' ' .. output .. ' ', 1, true) then
    seen = seen .. output .. ' '
    redis.call('HSET', job_key(id), 'fetched', seen)
  end
  local _, count = string.gsub(seen, '%d+', '')
  return count >= tonumber(outputs)
end

if not has_all() then return end
if batch == '' then return note_fetched(job_key(id), id) end
redis.call('SETBIT', batch_fetched_key(batch), index, 1)
note_batch_fetched(batch)
