-- include: records, expiry
-- A client's request about a job or a batch: 'pin', so that it is kept until it is deleted, or 'unpin': then its time to
-- live begins, where it is done. Each may come twice. An owner may pin `most`.
-- Returns 'ok', 'missing', 'item' (which goes with its batch), or 'full'.
local kind, id, owner, request, most = unpack(ARGV)
local key = kind == 'batch' and batch_key(id) or job_key(id)
local actual_owner, status, batch, completed_at, pinned_at, succeeded =
  values(key, 'owner', 'status', 'batch', 'completed_at', 'pinned_at', 'succeeded')
if actual_owner ~= owner or status == 'deleted' then return 'missing' end
if batch then return 'item' end
if (pinned_at and true or false) == (request == 'pin') then return 'ok' end
if request == 'pin' then
  if redis.call('ZCARD', owned_pinned_key(owner)) >= tonumber(most) then return 'full' end
  redis.call('ZADD', owned_pinned_key(owner), now, id)
  redis.call('HSET', key, 'pinned_at', now)
  stop_to_expire(key, id)
else
  redis.call('ZREM', owned_pinned_key(owner), id)
  redis.call('HDEL', key, 'pinned_at')
  local has_result = status == 'succeeded' or tonumber(succeeded or 0) > 0
  if completed_at then start_to_expire(key, id, has_result) end
end
if kind == 'job' then redis.call('HINCRBY', key, 'version', 1) end
return 'ok'
