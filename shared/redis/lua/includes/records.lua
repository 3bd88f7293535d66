-- Records: their fields, their events. All times are the server's, in milliseconds, and never go back: where the clock of
-- a new primary is behind, time stands still until jobs/reap.lua notes by how much it has to be ahead. The lines before
-- these, which shared/redis/scripts.py writes, set MAX_EVENTS and P, the prefix of all keys, and define the keys that are used.
local clock = redis.call('TIME')
local seen = redis.call('HMGET', CLOCK, 'looked', 'ahead')
local own_time, looked = clock[1] * 1000 + math.floor(clock[2] / 1000), tonumber(seen[1] or 0)
local now = own_time >= looked and own_time or math.max(own_time + (seen[2] or 0), looked)

-- Some fields of a hash, in the order of their names; false for one that it does not have.
local function values(key, ...) return unpack(redis.call('HMGET', key, ...)) end
local function job_values(id, ...) return values(job_key(id), ...) end
local function job_value(id, name) return redis.call('HGET', job_key(id), name) end
local function batch_values(batch, ...) return values(batch_key(batch), ...) end

-- The same as a table by name: half as slow again, so not for what every move of a job reads.
local function fields(key, ...)
  local found, names, named = redis.call('HMGET', key, ...), {...}, {}
  for i = 1, #names do named[names[i]] = found[i] end
  return named
end

-- The number of an owner's next record. Each owner counts apart, as cursors show it: it tells nothing of others. An
-- older Atelier counted all owners' records together; an owner that has some of these goes on from there.
local function next_sequence(owner)
  redis.call('SETNX', owned_sequence_key(owner), redis.call('GET', SEQUENCE) or 0)
  return redis.call('INCR', owned_sequence_key(owner))
end

-- All fields of a hash by name.
local function all_fields(key)
  local flat, named = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do named[flat[i]] = flat[i + 1] end
  return named
end

-- All fields of a job's record, those of an ended item as well.
local function full_record(id)
  local record = all_fields(job_key(id))
  if record.packed then
    for name, value in pairs(cjson.decode(record.packed)) do record[name] = value end
  end
  return record
end

local function change(id, ...)
  redis.call('HSET', job_key(id), ...)
  redis.call('HINCRBY', job_key(id), 'version', 1)
end

-- Append an event to the stream of a job or batch.
local function emit(id, kind, data)
  redis.call('XADD', events_key(id), 'MAXLEN', '~', MAX_EVENTS, '*', 'event', kind, 'data', cjson.encode(data))
end

-- An item has no stream: at 4 KB each, streams would be most of what a batch costs.
local function emit_of_job(id, kind, data)
  if not job_value(id, 'batch') then emit(id, kind, data) end
end

-- The job of a batch's item: the first, or the latest that was made to try it again.
local function first_item_id(batch, index) return 'job_' .. string.sub(batch, 7) .. '-' .. index end
local function item_id(batch, index)
  local try = redis.call('HGET', batch_again_key(batch), index)
  return first_item_id(batch, index) .. (try and '-' .. try or '')
end
