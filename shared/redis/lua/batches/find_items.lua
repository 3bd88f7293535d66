-- include: records
-- Find items of a batch by status; of one that was tried again the latest job counts. Changes nothing. Begins at `from`
-- and goes 'up', or below `from` and goes 'down'; looks at `most` items. The status is '' for all.
-- Returns the index to go on from, -1 where none is left; then for each item found: index, job id.
local batch_id, from, direction, most, status = unpack(ARGV)
local is_up = direction == 'up'
from, most = tonumber(from), tonumber(most)
local total, failed, expired = batch_values(batch_id, 'total', 'failed', 'expired')
total = tonumber(total or 0)
local dead = batch_dead_key(batch_id)

-- Batches that older versions made know only some of their dead items, or none.
local function knows_dead()
  return (status == 'failed' or status == 'expired') and redis.call('ZCARD', dead) == failed + expired
end

local function dead_items()
  local found = is_up and redis.call('ZRANGEBYSCORE', dead, from, '+inf', 'LIMIT', 0, most)
    or redis.call('ZREVRANGEBYSCORE', dead, '(' .. from, '-inf', 'LIMIT', 0, most)
  local last = tonumber(found[#found])
  return found, #found == most and (is_up and last + 1 or last) or -1
end

local function some_items()
  local found, step = {}, is_up and 1 or -1
  local first = is_up and from or math.min(from, total) - 1
  local last = is_up and math.min(from + most, total) - 1 or math.max(first - most + 1, 0)
  for index = first, last, step do found[#found + 1] = index end
  local next_from = is_up and last + 1 or last
  return found, (is_up and next_from < total or not is_up and next_from > 0) and next_from or -1
end

local indexes, next_from = (knows_dead() and dead_items or some_items)()
local answer = {next_from}
for _, index in ipairs(indexes) do
  local id = item_id(batch_id, index)
  if status == '' or job_value(id, 'status') == status then
    answer[#answer + 1] = tonumber(index)
    answer[#answer + 1] = id
  end
end
return answer
