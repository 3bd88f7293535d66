-- running -> queued at a worker's shutdown, without counting the attempt. ARGV: id, attempt, ring ms
local id = ARGV[1]
local how = standing(id, ARGV[2])
if how == 'ok' then
  redis.call('HINCRBY', job_key(id), 'released', 1)
  end_attempt(id, 'released')
  put_back(id, now, tonumber(ARGV[3]))
end
return how
