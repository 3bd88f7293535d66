-- include: records, webhooks
-- Take deliveries that are due; each is due again when its lease runs out before its outcome is noted. After the named
-- arguments come pairs, `hosts` of them a host and how many of its places are taken, the others an owner and how
-- many of his. What an owner may not have yet is put behind what is due for others. Returns the records.
local lease_ms, most, most_of_host, most_of_owner, hosts = unpack(ARGV)
local FIRST_PAIR = 6 -- among the arguments
local MORE_HOSTS = 1000 -- looked at beyond those that may be busy: owners may have taken all of their places there
local MORE_DELIVERIES = 32 -- of a host, for the same reason
local BEHIND_MS = 500
lease_ms, most, most_of_host = tonumber(lease_ms), tonumber(most), tonumber(most_of_host)
most_of_owner, hosts = tonumber(most_of_owner), tonumber(hosts)
local of_host, of_owner = {}, {}
for i = FIRST_PAIR, #ARGV, 2 do
  local counts = i < FIRST_PAIR + 2 * hosts and of_host or of_owner
  counts[ARGV[i]] = tonumber(ARGV[i + 1])
end

local function take(host, id, owner)
  of_owner[owner] = (of_owner[owner] or 0) + 1
  redis.call('ZADD', webhook_due_key(host), now + lease_ms, id)
  redis.call('HINCRBY', delivery_key(id), 'attempt', 1)
  redis.call('HINCRBY', delivery_key(id), 'tries', 1)
  redis.call('HSET', delivery_key(id), 'claimed_at', now)
  return redis.call('HGETALL', delivery_key(id))
end

local taken = {}
-- Take up to `free` deliveries of a host, of owners that have places left.
local function take_some(host, free)
  local due = redis.call('ZRANGEBYSCORE', webhook_due_key(host), '-inf', now, 'LIMIT', 0, free + MORE_DELIVERIES)
  for _, id in ipairs(due) do
    if free == 0 then return end
    local owner = redis.call('HGET', delivery_key(id), 'owner')
    if not owner then
      redis.call('ZREM', webhook_due_key(host), id)
    elseif (of_owner[owner] or 0) < most_of_owner then
      taken[#taken + 1] = take(host, id, owner)
      free = free - 1
    else
      redis.call('ZADD', webhook_due_key(host), now + BEHIND_MS, id)
    end
  end
end

local due_hosts = redis.call('ZRANGEBYSCORE', WEBHOOK_HOSTS, '-inf', now, 'LIMIT', 0, most + hosts + MORE_HOSTS)
for _, host in ipairs(due_hosts) do
  if #taken == most then break end
  local free = math.min(most - #taken, most_of_host - (of_host[host] or 0))
  if free > 0 then
    take_some(host, free)
    sort_host(host)
  end
end
return taken
