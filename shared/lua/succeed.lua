-- running -> succeeded. ARGV: id, attempt, outputs (JSON), timings (JSON), model version, model digest
local id = ARGV[1]
-- Asked twice by the same attempt (its first answer was lost on the way): the answer is the same.
local job = get(id, 'status', 'attempt')
if job[1] == 'succeeded' and job[2] == ARGV[2] then return 'ok' end
local how = standing(id, ARGV[2])
if how ~= 'ok' then return how end
local spent = now - tonumber(redis.call('HGET', job_key(id), 'started_at'))
end_attempt(id, 'succeeded')
-- A moving average of the time one job takes, for the estimate that waiting jobs show.
local model, batch = unpack(get(id, 'model', 'batch'))
local known = tonumber(redis.call('HGET', P .. 'pace', model) or spent)
redis.call('HSET', P .. 'pace', model, math.floor(known * 0.9 + spent * 0.1 + 0.5))
if batch then redis.call('HINCRBY', batch_key(batch), 'spent', spent) end
redis.call('HDEL', job_key(id), 'error')
finish(id, 'succeeded', 'outputs', ARGV[3], 'timings', ARGV[4], 'model_version', ARGV[5], 'model_digest', ARGV[6])
return how
