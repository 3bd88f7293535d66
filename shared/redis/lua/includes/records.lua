-- What every move shares. KEYS[1] is the prefix of all keys; all times are the server's own, in milliseconds.
-- The line before this one, written when the scripts are loaded, sets MAX_EVENTS.
local P = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function job_key(id) return P .. 'job:' .. id end
local function events_key(id) return P .. 'events:' .. id end
local function users_key(owner, file) return P .. 'file-users:' .. owner .. ':' .. file end
local function style_user(name) return 'style:' .. name end -- among a file's users; no job's id has a colon
local function line_key(lane, owner) return P .. 'line:' .. lane .. ':' .. owner end
local function turns_key(lane) return P .. 'turns:' .. lane end -- owners with claimable work, by their last turn
local function batch_key(id) return P .. 'batch:' .. id end
local function held_key(batch) return P .. 'batch-held:' .. batch end -- items that would wait, were it not paused
local function dead_key(batch) return P .. 'batch-dead:' .. batch end -- indexes of items that failed or expired
local LEASES, DEADLINES, DELAYED = P .. 'leases', P .. 'deadlines', P .. 'delayed'
local OPEN_BATCHES, BATCH_WORK = P .. 'open-batches', P .. 'batch-work'
local EXPIRING, GARBAGE = P .. 'expiring', P .. 'garbage'
local MAX_HISTORY = 20 -- ended attempts that a record names: the latest

local function get(id, ...) return redis.call('HMGET', job_key(id), ...) end

local function fields_of(key)
  local flat, fields = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end

local function change(id, ...)
  redis.call('HSET', job_key(id), ...)
  redis.call('HINCRBY', job_key(id), 'version', 1)
end

local function emit(id, kind, data)
  redis.call('XADD', events_key(id), 'MAXLEN', '~', MAX_EVENTS, '*', 'event', kind, 'data', cjson.encode(data))
end

-- An item has no stream of its own: at 4 KB each they would be most of what a batch costs.
local function tell(id, kind, data)
  if not redis.call('HGET', job_key(id), 'batch') then emit(id, kind, data) end
end
