-- include: records, changes
-- What became of an owner's jobs and batches that changed after a place, '' for none: at most so many. Changes are noted
-- from now on, for so many seconds. Returns the place up to which this tells, and 1 where changes before it may be
-- missing, else 0; then for each of them JSON: its id, place and state, without one where it is gone; and `why` it is, where
-- that is known.
local owner, after, most, seconds = unpack(ARGV)
most = tonumber(most)
local SINCE, A_MILLISECOND = 1700000000000, 4096 -- as in includes/changes.lua
local COUNTS = {'total', 'queued', 'running', 'succeeded', 'failed', 'canceled', 'expired'}

local function place_of_change(order)
  return string.format('%.0f-%.0f', math.floor(order / A_MILLISECOND) + SINCE, order % A_MILLISECOND)
end

-- Have changes noted from now on; the first entry, of no record, says from where on they are whole.
local function begin_changes()
  local place = redis.call('XADD', latest_change_key(owner), '*', 'id', '')
  redis.call('DEL', changes_key(owner))
  redis.call('ZADD', changes_key(owner), order_of_change(place), '')
  return place
end

local latest = redis.call('XREVRANGE', latest_change_key(owner), '+', '-', 'COUNT', 1)[1]
local place = latest and latest[1] or begin_changes()
redis.call('EXPIRE', latest_change_key(owner), seconds)
redis.call('EXPIRE', changes_key(owner), seconds)

local function is_lost()
  if not latest or not string.match(after, '^%d+%-%d+$') then return true end -- a stream's id may be one number alone
  local order, first = order_of_change(after), redis.call('ZRANGE', changes_key(owner), 0, 0, 'WITHSCORES')[2]
  return not first or order < tonumber(first) or order > order_of_change(place) -- the last: of another server
end
if is_lost() then return {place, 1} end

local function state_of_batch(id)
  local found = fields(batch_key(id), 'owner', 'status', 'completed_at', unpack(COUNTS))
  if found.owner ~= owner or found.status == 'deleted' then return end
  local counts = {}
  for _, name in ipairs(COUNTS) do counts[name] = tonumber(found[name]) end
  return {status = found.status, done = found.completed_at and true or false, counts = counts}
end

local function state_of_job(id)
  local actual_owner, status, version, progress = job_values(id, 'owner', 'status', 'version', 'progress')
  if actual_owner ~= owner then return end
  return {status = status, version = tonumber(version), progress = progress and cjson.decode(progress) or nil}
end

local changed = redis.call('ZRANGEBYSCORE', changes_key(owner), '(' .. string.format('%.0f', order_of_change(after)), '+inf',
  'WITHSCORES', 'LIMIT', 0, most)
local answer = {place, 0}
for i = 1, #changed, 2 do
  local id, at = changed[i], place_of_change(tonumber(changed[i + 1]))
  local is_batch = string.sub(id, 1, 6) == 'batch_'
  local state = (is_batch and state_of_batch or state_of_job)(id)
  local why = not state and redis.call('GET', gone_why_key(id)) or nil
  answer[#answer + 1] = cjson.encode({id = id, place = at, state = state, why = why})
  if #answer == most + 2 then answer[1] = at end
end
return answer
