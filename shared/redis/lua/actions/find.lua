-- include: records, actions
-- Note which jobs a bulk action found between two cursors; '' is the last. `count` are found, the ids to act on follow:
-- none where it only counts. Another process may have noted them before: then nothing changes. Returns the status.
local id, cursor, next_cursor, count = unpack(ARGV)
local status, known = values(action_key(id), 'status', 'cursor')
if status ~= 'running' or known ~= cursor then return status or 'gone' end
redis.call('HSET', action_key(id), 'cursor', next_cursor)
redis.call('HINCRBY', action_key(id), 'matched', count)
if #ARGV > 4 then redis.call('RPUSH', action_jobs_key(id), unpack(ARGV, 5)) end
end_if_over(id)
return redis.call('HGET', action_key(id), 'status')
