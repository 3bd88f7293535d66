-- Find items of a batch by status; of one that was tried again the latest job counts. Writes nothing.
-- ARGV: batch, index, 'up' from it on or 'down' from the one below it, most items looked at, status or '' for all
-- Returns the index to go on from, -1 where none is left; then for each item found: index, job id.
local batch, from, up, most, status = ARGV[1], tonumber(ARGV[2]), ARGV[3] == 'up', tonumber(ARGV[4]), ARGV[5]
local b = redis.call('HMGET', batch_key(batch), 'total', 'failed', 'expired')
local total = tonumber(b[1] or 0)
local dead = batch_dead_key(batch)

-- Batches that older versions made know only some of their dead items, or none.
local function knows_dead()
  return (status == 'failed' or status == 'expired') and redis.call('ZCARD', dead) == b[2] + b[3]
end

local function dead_items()
  local found = up and redis.call('ZRANGEBYSCORE', dead, from, '+inf', 'LIMIT', 0, most)
    or redis.call('ZREVRANGEBYSCORE', dead, '(' .. from, '-inf', 'LIMIT', 0, most)
  local last = tonumber(found[#found])
  return found, #found == most and (up and last + 1 or last) or -1
end

local function some_items()
  local found, step = {}, up and 1 or -1
  local first = up and from or math.min(from, total) - 1
  local last = up and math.min(from + most, total) - 1 or math.max(first - most + 1, 0)
  for index = first, last, step do found[#found + 1] = index end
  local on = up and last + 1 or last
  return found, (up and on < total or not up and on > 0) and on or -1
end

local indexes, on = (knows_dead() and dead_items or some_items)()
local answer = {on}
for _, index in ipairs(indexes) do
  local id = item_id(batch, index)
  if status == '' or get(id, 'status')[1] == status then
    answer[#answer + 1] = tonumber(index)
    answer[#answer + 1] = id
  end
end
return answer
