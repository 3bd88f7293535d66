-- include: records, waits, attempts, moves, holdings, versions
-- running -> succeeded. Outputs, timings and warnings are JSON; the warnings '' for none. The outputs take `stored` bytes
-- and have so many pixels, if the submission did not say how many. Then come the worker's numerics and the precision of
-- the result, '' for none. Returns the lease state.
local id, attempt, outputs, timings, model_version, model_digest, warnings, stored, pixels, numerics, precision =
  unpack(ARGV)
local status, current, started_at, owner, model, work, batch, began, expected_pixels =
  job_values(id, 'status', 'attempt', 'started_at', 'owner', 'model', 'work', 'batch', 'began', 'pixels')
-- Asked twice by the same attempt (its first answer was lost on the way): the answer is the same.
if status == 'succeeded' and current == attempt then return 'ok' end
local state = lease_state(id, attempt)
if state ~= 'ok' then return state end
local spent = math.max(0, now - tonumber(started_at))
local share = began and pass_time(redis.call('ZCARD', LEASES)) - began or spent
end_attempt(id, 'succeeded', nil, {pixels = expected_pixels or pixels, bytes = stored})
hold(owner, 'stored_bytes', stored)

-- What jobs of one kind of work take, for the estimate that waiting jobs show: milliseconds from start to end, and
-- their share of these with what ran beside them. The means are of logarithms: one slow start spoils no estimate.
local LEAST_MS, NEWEST = 0.1, 0.2 -- the weight of the newest job, once there are some
local function learn(durations, kind)
  local wall, cost, count = string.match(redis.call('HGET', durations, kind) or '', '^(%S+) (%S+) (%d+)$')
  count = math.min(tonumber(count or 0) + 1, 1000)
  local function mean(known, new)
    new = math.max(new, LEAST_MS)
    local weight = math.max(1 / count, NEWEST)
    return known and math.exp((1 - weight) * math.log(known) + weight * math.log(new)) or new
  end
  redis.call('HSET', durations, kind, string.format('%.3f %.3f %d', mean(wall, spent), mean(cost, share), count))
end
learn(DURATIONS, work_of(model, work))
learn(owned_durations_key(owner), work_of(model, work))
versioned.note(model, 'succeeded', spent)
if batch then redis.call('HINCRBY', batch_key(batch), 'spent', spent) end
redis.call('HDEL', job_key(id), 'error')
for name, value in pairs({warnings = warnings, numerics = numerics, precision = precision}) do
  if value ~= '' then redis.call('HSET', job_key(id), name, value) end
end
finish(id, 'succeeded', 'outputs', outputs, 'timings', timings, 'model_version', model_version, 'model_digest', model_digest,
  'stored_bytes', stored)
return state
