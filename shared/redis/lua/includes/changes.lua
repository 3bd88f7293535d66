-- Changes: which of an owner's jobs and batches changed, for those who follow all of them. Each is there once, at the
-- place of its latest change: readers see what became of it, not all that it went through. Items are told by their batch.
-- Nothing is noted for an owner whom nobody has followed lately (owners/changes.lua begins it, and says for how long).
local MOST_CHANGED = 1000 -- as in shared/jobs/changes.py
local SINCE, A_MILLISECOND = 1700000000000, 4096 -- places have so many numbers each millisecond since then

-- The order of a place, which is the id of an entry of a stream: exact until the year 2092.
local function order_of_change(place)
  local at, number = string.match(place, '^(%d+)-(%d+)$')
  return (at - SINCE) * A_MILLISECOND + number
end

local function place_of_change(order)
  return string.format('%.0f-%.0f', math.floor(order / A_MILLISECOND) + SINCE, order % A_MILLISECOND)
end

-- Have changes noted from now on; the first entry, of no record, says from where on they are whole.
local function begin_changes(owner)
  local place = redis.call('XADD', latest_change_key(owner), '*', 'id', '')
  redis.call('DEL', changes_key(owner))
  redis.call('ZADD', changes_key(owner), order_of_change(place), '')
  return place
end

local function note_change(owner, id)
  local place = redis.call('XADD', latest_change_key(owner), 'NOMKSTREAM', 'MAXLEN', 1, '*', 'id', id)
  if not place then return end
  local key = changes_key(owner)
  redis.call('ZADD', key, order_of_change(place), id)
  local count = redis.call('ZCARD', key)
  if count > MOST_CHANGED + 1 then redis.call('ZREMRANGEBYRANK', key, 0, count - MOST_CHANGED - 2) end
  if count == 1 then redis.call('PEXPIRE', key, redis.call('PTTL', latest_change_key(owner))) end
end
