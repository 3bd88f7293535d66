-- include: records, webhooks
-- Take deliveries that are due; each is due again when its lease runs out before its outcome is noted. After the named
-- arguments come pairs: a host, and how many deliveries the caller has under way there. Returns the records.
local lease_ms, most, most_of_host = unpack(ARGV)
local FIRST_PAIR = 4 -- among the arguments
lease_ms, most, most_of_host = tonumber(lease_ms), tonumber(most), tonumber(most_of_host)
local under_way, hosts = {}, 0
for i = FIRST_PAIR, #ARGV, 2 do
  under_way[ARGV[i]] = tonumber(ARGV[i + 1])
  hosts = hosts + 1
end

local function take(host, id)
  if redis.call('EXISTS', delivery_key(id)) == 0 then
    redis.call('ZREM', webhook_due_key(host), id)
    return nil
  end
  redis.call('ZADD', webhook_due_key(host), now + lease_ms, id)
  redis.call('HINCRBY', delivery_key(id), 'attempt', 1)
  redis.call('HINCRBY', delivery_key(id), 'tries', 1)
  redis.call('HSET', delivery_key(id), 'claimed_at', now)
  return redis.call('HGETALL', delivery_key(id))
end

local taken = {}
for _, host in ipairs(redis.call('ZRANGEBYSCORE', WEBHOOK_HOSTS, '-inf', now, 'LIMIT', 0, most + hosts)) do
  local free = math.min(most - #taken, most_of_host - (under_way[host] or 0))
  if free > 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', webhook_due_key(host), '-inf', now, 'LIMIT', 0, free)) do
      taken[#taken + 1] = take(host, id)
    end
    sort_host(host)
  end
end
return taken
