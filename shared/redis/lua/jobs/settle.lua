-- include: records, chains, moves
-- Go on with the followers and the children of jobs that ended, some at a time. Returns 1 while there are more.
local id = redis.call('ZRANGE', FOLLOW_WORK, 0, 0)[1]
if id then settle(id) end
local found = redis.call('ZRANGEBYSCORE', AWAITED, '-inf', now, 'LIMIT', 0, 50)
for _, parent in ipairs(found) do
  if not chain.is_unfinished(job_value(parent, 'status')) then table.insert(chain.ended, parent)
  elseif redis.call('EXISTS', awaiting_key(parent)) == 0 then redis.call('ZREM', AWAITED, parent)
  else redis.call('ZADD', AWAITED, now + chain.LOOK_MS, parent) end
end
settle_children(reuse)
return (id or #found > 0) and 1 or 0
