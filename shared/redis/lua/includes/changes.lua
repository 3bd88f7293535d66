-- Changes: which of an owner's jobs and batches changed, for those who follow all of them. Each is there once, at the
-- place of its latest change: readers see what became of it, not all that it went through. Items are told by their batch.
-- Nothing is noted for an owner whom nobody has followed lately (owners/changes.lua begins it, and says for how long).
-- As large scripts have few names left (Lua allows 200), there are few here.

-- The order of a place, which is the id of an entry of a stream: so many numbers a millisecond, exact until the year 2092.
local function order_of_change(place)
  local at, number = string.match(place, '^(%d+)-(%d+)$')
  return (at - 1700000000000) * 4096 + number
end

local function note_change(owner, id)
  local most = 1000 -- as in shared/jobs/changes.py, and one for the place at which it began
  local place = redis.call('XADD', latest_change_key(owner), 'NOMKSTREAM', 'MAXLEN', 1, '*', 'id', id)
  if not place then return end
  local key = changes_key(owner)
  redis.call('ZADD', key, order_of_change(place), id)
  local count = redis.call('ZCARD', key)
  if count > most + 1 then redis.call('ZREMRANGEBYRANK', key, 0, count - most - 2) end
  if count == 1 then redis.call('PEXPIRE', key, redis.call('PTTL', latest_change_key(owner))) end
end
