-- What every move shares. All times are the server's own, in milliseconds. The head before this one, written when
-- the scripts are loaded, sets MAX_EVENTS and defines the keys (shared/redis/keys.py).
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function style_user(name) return 'style:' .. name end -- among a file's users; no job's id has a colon
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
