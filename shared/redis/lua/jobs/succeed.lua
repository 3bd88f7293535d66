-- running -> succeeded. ARGV: id, attempt, outputs (JSON), timings (JSON), model version, model digest, warnings (JSON,
-- '' for none)
local id = ARGV[1]
-- Asked twice by the same attempt (its first answer was lost on the way): the answer is the same.
local job = get(id, 'status', 'attempt')
if job[1] == 'succeeded' and job[2] == ARGV[2] then return 'ok' end
local how = lease_state(id, ARGV[2])
if how ~= 'ok' then return how end
local spent = now - tonumber(redis.call('HGET', job_key(id), 'started_at'))
local model, batch, work, began = unpack(get(id, 'model', 'batch', 'work', 'began'))
local share = began and pass_time(redis.call('ZCARD', LEASES)) - began or spent
end_attempt(id, 'succeeded')

-- What jobs of one kind of work take, for the estimate that waiting jobs show: milliseconds from start to end, and
-- their share of these with what ran beside them. The means are of logarithms: one slow start spoils no estimate.
local LEAST_MS, NEWEST = 0.1, 0.2 -- the weight of the newest job, once there are some
local function learn(work)
  local wall, cost, count = string.match(redis.call('HGET', PACE, work) or '', '^(%S+) (%S+) (%d+)$')
  count = math.min(tonumber(count or 0) + 1, 1000)
  local function mean(known, new)
    new = math.max(new, LEAST_MS)
    local weight = math.max(1 / count, NEWEST)
    return known and math.exp((1 - weight) * math.log(known) + weight * math.log(new)) or new
  end
  redis.call('HSET', PACE, work, string.format('%.3f %.3f %d', mean(wall, spent), mean(cost, share), count))
end
learn(work_of(model, work))
if batch then redis.call('HINCRBY', batch_key(batch), 'spent', spent) end
redis.call('HDEL', job_key(id), 'error')
if (ARGV[7] or '') ~= '' then redis.call('HSET', job_key(id), 'warnings', ARGV[7]) end
finish(id, 'succeeded', 'outputs', ARGV[3], 'timings', ARGV[4], 'model_version', ARGV[5], 'model_digest', ARGV[6])
return how
