-- What every move shares. KEYS[1] is the prefix of all keys; all times are the server's own, in milliseconds.
-- The line before this one, written when the scripts are loaded, sets MAX_EVENTS.
local P = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function job_key(id) return P .. 'job:' .. id end
local function events_key(id) return P .. 'events:' .. id end
local function lane_key(lane) return P .. 'lane:' .. lane end
local function users_key(owner, file) return P .. 'file-users:' .. owner .. ':' .. file end
local function style_user(name) return 'style:' .. name end -- among a file's users; no job's id has a colon
local function line_key(lane, owner) return P .. 'line:' .. lane .. ':' .. owner end
local function turns_key(lane) return P .. 'turns:' .. lane end -- owners with claimable work, by their last turn
local function batch_key(id) return P .. 'batch:' .. id end
local function held_key(batch) return P .. 'batch-held:' .. batch end -- items that would wait, were it not paused
local LEASES, DEADLINES, DELAYED = P .. 'leases', P .. 'deadlines', P .. 'delayed'
local OPEN_BATCHES, BATCH_WORK = P .. 'open-batches', P .. 'batch-work'
local EXPIRING, GARBAGE = P .. 'expiring', P .. 'garbage'
local MAX_HISTORY = 20 -- ended attempts that a record names: the latest

local function get(id, ...) return redis.call('HMGET', job_key(id), ...) end

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

-- Is `attempt` the one that may still change the job? Returns 'ok', 'canceled', 'expired' or 'lost'.
local function standing(id, attempt)
  local job = get(id, 'status', 'attempt')
  if job[1] == 'running' and job[2] == attempt then return 'ok' end
  if job[1] == 'canceled' or job[1] == 'expired' then return job[1] end
  return 'lost'
end

local function attempt_prefix(id, attempt) return 'outputs/' .. id .. '/' .. attempt .. '/' end

-- Have swept what the record will not name: all that a losing attempt stored, a winning one's previews. Its worker
-- may be dead, or may store more yet: that is an orphan, and found by its age.
local function discard(id, attempt, outcome)
  local stored = attempt_prefix(id, attempt)
  if outcome ~= 'succeeded' then
    redis.call('ZADD', GARBAGE, now, stored)
  elseif redis.call('HEXISTS', job_key(id), 'preview') == 1 then
    redis.call('ZADD', GARBAGE, now, stored .. 'previews/')
  end
end

-- Note how the running attempt ended, before the move that ends it. A job that does not run has none to end.
local function end_attempt(id, outcome, code)
  local job = get(id, 'status', 'attempt', 'worker', 'started_at', 'history', 'batch')
  if job[1] ~= 'running' then return end
  discard(id, job[2], outcome)
  if outcome == 'succeeded' and not job[5] and job[6] then return end -- the item's record says as much
  local history = job[5] and cjson.decode(job[5]) or {}
  history[#history + 1] = {number = tonumber(job[2]), worker = job[3], started_at = tonumber(job[4]),
    ended_at = now, outcome = outcome, code = code}
  if #history > MAX_HISTORY then table.remove(history, 1) end
  redis.call('HSET', job_key(id), 'history', cjson.encode(history))
end

-- The job of a batch's item: the first, or the latest that was made to try it again.
local function item_id(batch, index)
  local again = redis.call('HGET', P .. 'batch-again:' .. batch, index)
  return 'job_' .. string.sub(batch, 7) .. '-' .. index .. (again and '-' .. again or '')
end

-- Make an entry claimable: a job's id, or a batch's for its next items. Entries of an owner go by order of
-- acceptance; owners take turns (claim.lua).
local function line_up(lane, owner, sequence, entry)
  redis.call('ZADD', line_key(lane, owner), sequence, entry)
  if not redis.call('ZSCORE', turns_key(lane), owner) then
    redis.call('ZADD', turns_key(lane), redis.call('HGET', P .. 'served:' .. lane, owner) or 0, owner)
  end
end

local function leave_lines(id)
  local job = get(id, 'lane', 'owner')
  redis.call('ZREM', lane_key(job[1]), id)
  redis.call('ZREM', line_key(job[1], job[2]), id)
  redis.call('ZREM', DELAYED, id)
  redis.call('ZREM', LEASES, id)
end

local function enter_line(id, not_before)
  local job = get(id, 'lane', 'owner', 'sequence', 'batch')
  if not job[4] then redis.call('ZADD', lane_key(job[1]), job[3], id) end
  if not_before > now then
    redis.call('ZADD', DELAYED, not_before, id)
  else
    redis.call('ZREM', DELAYED, id)
    line_up(job[1], job[2], job[4] and job[3] - 0.5 or job[3], id) -- an item goes before the rest of its batch
  end
end

local function free_inputs(id)
  local job = get(id, 'owner', 'inputs')
  for file in pairs(cjson.decode(job[2])) do redis.call('SREM', users_key(job[1], file), id) end
end

-- A file is kept while a job's record or a style names it; from then on it is at rest, and expires some day.
local FILES_EXPIRING = P .. 'expiring-files'
local FORM_GRACE_MS = 3600 * 1000 -- for the job that a form's picture came for to be accepted
local function file_key(owner, file) return P .. 'file:' .. owner .. ':' .. file end

local function wake_file(owner, file)
  redis.call('HDEL', file_key(owner, file), 'expires_at')
  redis.call('ZREM', FILES_EXPIRING, owner .. ':' .. file)
end

local function is_needed(owner, file)
  return redis.call('SCARD', users_key(owner, file)) > 0
    or tonumber(redis.call('HGET', file_key(owner, file), 'jobs') or 0) > 0
end

local function rest_file(owner, file)
  local known = redis.call('HMGET', file_key(owner, file), 'ttl_ms', 'form')
  if not known[1] or is_needed(owner, file) then return end
  local ttl = tonumber(known[1])
  if known[2] then ttl = math.min(ttl, FORM_GRACE_MS) end
  redis.call('HSET', file_key(owner, file), 'expires_at', now + ttl)
  redis.call('ZADD', FILES_EXPIRING, now + ttl, owner .. ':' .. file)
end

local function forget_file(owner, file)
  redis.call('ZADD', GARBAGE, now, redis.call('HGET', file_key(owner, file), 'key'))
  redis.call('DEL', file_key(owner, file))
  redis.call('ZREM', P .. 'owner:' .. owner .. ':files', file)
  redis.call('ZREM', FILES_EXPIRING, owner .. ':' .. file)
end

-- A file came again: its rest begins anew, and it is kept for itself where it came by itself.
local function touch_file(owner, file, came_with_form, ttl_ms)
  if came_with_form ~= '1' then redis.call('HDEL', file_key(owner, file), 'form') end
  redis.call('HSET', file_key(owner, file), 'ttl_ms', ttl_ms)
  rest_file(owner, file)
end

-- A job's record names a file, from now on and until it is forgotten itself.
local function name_file(owner, file)
  redis.call('HINCRBY', file_key(owner, file), 'jobs', 1)
  wake_file(owner, file)
end

-- A job that named a file is forgotten. What came with a form goes with the last job that names it.
local function unname_file(owner, file, object)
  local key = file_key(owner, file)
  local known = redis.call('HMGET', key, 'key', 'jobs', 'form')
  if known[1] ~= object then return end -- it was deleted meanwhile, and perhaps uploaded anew
  redis.call('HSET', key, 'jobs', math.max(0, tonumber(known[2] or 0) - 1))
  if known[3] and not is_needed(owner, file) then forget_file(owner, file) else rest_file(owner, file) end
end

-- Deliveries of webhooks wait in one line a host, so that a slow receiver holds up its own alone.
local WEBHOOK_HOSTS = P .. 'webhooks:hosts' -- by the time at which their first delivery is due
local function delivery_key(id) return P .. 'delivery:' .. id end
local function host_key(host) return P .. 'webhooks:due:' .. host end
local function told_key(kind, subject) return P .. 'told:' .. kind .. ':' .. subject end

local function sort_host(host)
  local first = redis.call('ZRANGE', host_key(host), 0, 0, 'WITHSCORES')
  if first[1] then redis.call('ZADD', WEBHOOK_HOSTS, first[2], host)
  else redis.call('ZREM', WEBHOOK_HOSTS, host) end
end

-- Note that somebody is to be told of an event of a subject, where its record has a webhook that wants it.
local function note_delivery(kind, subject, event)
  local known = redis.call('HMGET', P .. kind .. ':' .. subject, 'webhook', 'owner')
  local hook = known[1] and cjson.decode(known[1])
  if not hook or not hook.events[event] then return end
  local sequence = redis.call('INCR', P .. 'sequence')
  local id = string.format('msg_%011x%08x', now, sequence)
  redis.call('HSET', delivery_key(id), 'id', id, 'owner', known[2], 'kind', kind, 'subject', subject,
    'event', event, 'url', hook.url, 'host', hook.host, 'private', hook.private and 1 or 0, 'base', hook.base,
    'status', 'pending', 'attempt', 0, 'tries', 0, 'sequence', sequence, 'created_at', now, 'next_at', now)
  redis.call('ZADD', P .. 'owner:' .. known[2] .. ':deliveries', sequence, id)
  redis.call('RPUSH', told_key(kind, subject), id)
  redis.call('ZADD', host_key(hook.host), now, id)
  sort_host(hook.host)
end

-- The deliveries of a subject go with its record.
local function forget_deliveries(kind, subject)
  for _, id in ipairs(redis.call('LRANGE', told_key(kind, subject), 0, -1)) do
    local known = redis.call('HMGET', delivery_key(id), 'owner', 'host')
    if known[1] then
      redis.call('ZREM', P .. 'owner:' .. known[1] .. ':deliveries', id)
      redis.call('ZREM', host_key(known[2]), id)
      sort_host(known[2])
    end
    redis.call('DEL', delivery_key(id))
  end
  redis.call('DEL', told_key(kind, subject))
end

-- Keep a batch's counts: called before an item's status changes.
local function tally(id, to)
  local job = get(id, 'batch', 'status')
  if not job[1] then return end
  redis.call('HINCRBY', batch_key(job[1]), job[2], -1)
  redis.call('HINCRBY', batch_key(job[1]), to, 1)
end

-- A batch names each file that its items read once, whatever many they are.
local function batch_files_key(batch) return P .. 'batch-files:' .. batch end
local function name_batch_file(batch, owner, file, object)
  redis.call('SADD', users_key(owner, file), batch)
  if redis.call('HGET', batch_files_key(batch), file) == object then return end
  redis.call('HSET', batch_files_key(batch), file, object)
  name_file(owner, file)
end

local function free_batch_inputs(batch)
  local owner = redis.call('HGET', batch_key(batch), 'owner')
  for _, file in ipairs(redis.call('HKEYS', batch_files_key(batch))) do
    redis.call('SREM', users_key(owner, file), batch)
  end
end

local function unfinished(batch)
  local counts = redis.call('HMGET', batch_key(batch), 'queued', 'running')
  return tonumber(counts[1]) + tonumber(counts[2])
end

-- End a batch whose items have all ended. It takes no more work, but failed items may be tried again.
local function close_batch(batch, status)
  local known = redis.call('HMGET', batch_key(batch), 'ttl_ms', 'lane', 'owner')
  local expires = now + tonumber(known[1])
  redis.call('ZREM', line_key(known[2], known[3]), batch)
  redis.call('ZREM', OPEN_BATCHES, batch)
  free_batch_inputs(batch)
  redis.call('ZADD', EXPIRING, expires, batch)
  redis.call('HSET', batch_key(batch), 'status', status, 'completed_at', now, 'expires_at', expires)
  emit(batch, 'state', {status = status})
  note_delivery('batch', batch, 'batch.' .. status)
end

-- After an item has ended: note it for those who wait for results, and the end of the batch with the last one.
local function note_end(id, batch, index, custom_id, status)
  redis.call('RPUSH', P .. 'batch-finished:' .. batch, string.match(id, '%-(.*)$'))
  emit(batch, 'item', {index = tonumber(index), custom_id = custom_id, id = id, status = status})
  local b = redis.call('HMGET', batch_key(batch), 'status', 'finalized_at', 'last_end', 'interval')
  if b[3] then -- a moving average of the time from one end to the next, for rate and estimate
    local gap = now - tonumber(b[3])
    local mean = tonumber(b[4] or gap)
    redis.call('HSET', batch_key(batch), 'interval', string.format('%.3f', mean * 0.97 + gap * 0.03))
  end
  redis.call('HSET', batch_key(batch), 'last_end', now)
  if b[2] and unfinished(batch) == 0 then close_batch(batch, b[1] == 'canceled' and 'canceled' or 'completed') end
end

-- Put what scripts no longer need of an ended item into one field: many small ones cost 60 bytes each.
local KEPT_APART = {'owner', 'status', 'attempt', 'batch'}
local function pack(id)
  local flat, fields, kept = redis.call('HGETALL', job_key(id)), {}, {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  for _, name in ipairs(KEPT_APART) do
    kept[#kept + 1] = name
    kept[#kept + 1] = fields[name]
    fields[name] = nil
  end
  for _, name in ipairs({'inputs', 'not_before', 'fingerprint', 'type', 'sequence'}) do fields[name] = nil end
  local packed = {}
  for name, value in pairs(fields) do
    if value ~= '0' or name == 'custom_id' then packed[name] = value end
  end
  redis.call('DEL', job_key(id))
  redis.call('HSET', job_key(id), 'packed', cjson.encode(packed), unpack(kept))
end

-- Move a job into a terminal status, once and for good.
local function finish(id, status, ...)
  local job = get(id, 'ttl_ms', 'batch', 'index', 'custom_id')
  leave_lines(id)
  tally(id, status)
  redis.call('ZREM', DEADLINES, id)
  redis.call('HDEL', job_key(id), 'progress', 'preview')
  if job[2] then
    change(id, 'status', status, 'completed_at', now, ...)
    redis.call('SREM', held_key(job[2]), id)
    pack(id)
    return note_end(id, job[2], job[3], job[4], status)
  end
  free_inputs(id)
  local expires = now + tonumber(job[1])
  redis.call('ZADD', EXPIRING, expires, id)
  change(id, 'status', status, 'completed_at', now, 'expires_at', expires, ...)
  emit(id, 'state', {status = status})
  note_delivery('job', id, 'job.' .. status)
end

-- Put a running job back into its line; it may be claimed from not_before on.
local function put_back(id, not_before, ...)
  leave_lines(id)
  tally(id, 'queued')
  redis.call('HDEL', job_key(id), 'progress', 'preview', 'worker')
  change(id, 'status', 'queued', 'not_before', not_before, ...)
  enter_line(id, not_before)
  tell(id, 'state', {status = 'queued', not_before = not_before})
end

-- Doubling pause with jitter: base, 2 base, 4 base ..., scaled by `jitter` in 0.5..1.5.
local function backoff(base_ms, failures, jitter)
  return math.floor(base_ms * 2 ^ math.min(failures - 1, 8) * jitter)
end
