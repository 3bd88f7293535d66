-- include: moves
-- Go on with the followers of jobs that ended, some at a time. Returns 1 while there are more.
local id = redis.call('ZRANGE', FOLLOW_WORK, 0, 0)[1]
if not id then return 0 end
settle(id)
return 1
