-- Set the rollout of a model, a JSON object, or end it where that is ''. What was counted of the versions named after it
-- begins again. Returns how many rollouts were ended.
local model, rollout = unpack(ARGV)
local FIRST_REFERENCE = 3 -- among the arguments
for i = FIRST_REFERENCE, #ARGV do redis.call('DEL', version_key('ended', ARGV[i]), version_key('runs', ARGV[i])) end
if rollout == '' then return redis.call('HDEL', ROLLOUTS, model) end
redis.call('HSET', ROLLOUTS, model, rollout)
return 0
