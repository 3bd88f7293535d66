-- include: webhooks
-- Drop the deliveries of a subject whose record is gone.
local kind, subject = unpack(ARGV)
if redis.call('EXISTS', subject_key(kind, subject)) == 0 then forget_deliveries(kind, subject) end
