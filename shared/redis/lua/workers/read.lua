-- include: records
-- Read all workers in one step: {what each live one announced, name and cordon in turn, worker id and how many jobs it
-- runs in turn}. Changes nothing.
local announced, running, flat = {}, {}, {}
for _, id in ipairs(redis.call('SMEMBERS', WORKERS)) do
  local text = redis.call('GET', worker_key(id))
  if text then announced[#announced + 1] = text end
end
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  local worker = job_value(id, 'worker')
  if worker then running[worker] = (running[worker] or 0) + 1 end
end
for worker, count in pairs(running) do
  flat[#flat + 1] = worker
  flat[#flat + 1] = count
end
return {announced, redis.call('HGETALL', CORDONS), flat}
