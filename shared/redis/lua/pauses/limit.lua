-- Let so many jobs of a model run at once; '' for any number.
local model, running = unpack(ARGV)
if running == '' then return redis.call('HDEL', MODEL_LIMITS, model) end
return redis.call('HSET', MODEL_LIMITS, model, running)
