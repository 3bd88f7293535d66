-- include: records
-- API keys: a change is told to every API process by an entry in one stream, at which open responses wait too.
local function tell_of_change(id)
  redis.call('XADD', KEY_CHANGES, 'MAXLEN', '~', 16, '*', 'key', id)
end

-- The id of the latest change; '0-0' where there never was a key.
local function keys_version()
  local latest = redis.call('XREVRANGE', KEY_CHANGES, '+', '-', 'COUNT', 1)[1]
  return latest and latest[1] or '0-0'
end

-- Keep a new key. `record` is a JSON object of fields.
local function keep_api_key(id, record)
  for name, value in pairs(cjson.decode(record)) do redis.call('HSET', api_key_key(id), name, value) end
  redis.call('HSET', api_key_key(id), 'id', id, 'created_at', now)
  -- In the order of creation. No number of the records: an installation that has keys alone is an empty one.
  local last = tonumber(redis.call('ZREVRANGE', API_KEYS, 0, 0, 'WITHSCORES')[2] or 0)
  redis.call('ZADD', API_KEYS, math.max(now, last + 1), id)
end

local function revoke_api_key(id)
  if redis.call('HSETNX', api_key_key(id), 'revoked_at', now) == 1 then tell_of_change(id) end
end
