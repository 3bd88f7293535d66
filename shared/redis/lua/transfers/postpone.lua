-- include: records, changes
-- Say when a batch goes on from or to its place. `error` is a JSON object of what kept it back, '' where nothing did;
-- `failing` is 1 where what keeps it back is given up after a time; the pause doubles with every failure in a row.
local kind, id, pause_ms, error, failing = unpack(ARGV)
local MOST_PAUSE_MS = 300000
pause_ms = tonumber(pause_ms)
local due = kind == 'source' and IMPORTS or EXPORTS
if not redis.call('ZSCORE', due, id) then return end
local owner, known = batch_values(id, 'owner', kind .. '_error')
if not owner then return end
local function named(name) return kind .. '_' .. name end
if failing == '1' then
  redis.call('HSETNX', batch_key(id), named('since'), now)
  local tries = redis.call('HINCRBY', batch_key(id), named('tries'), 1)
  pause_ms = math.min(pause_ms * 2 ^ math.min(tries - 1, 20), MOST_PAUSE_MS)
else
  redis.call('HDEL', batch_key(id), named('tries'), named('since'))
end
redis.call('ZADD', due, now + pause_ms, id)
if error == '' then redis.call('HDEL', batch_key(id), named('error'), named('retry_at'))
else redis.call('HSET', batch_key(id), named('error'), error, named('retry_at'), now + pause_ms) end
if (known or '') ~= error then note_change(owner, id) end
