-- include: expiry
-- Note that all outputs of some items of a batch were sent. Takes the batch, then the items' indexes.
local batch = ARGV[1]
if redis.call('EXISTS', batch_key(batch)) == 0 then return end
for i = 2, #ARGV do redis.call('SETBIT', batch_fetched_key(batch), ARGV[i], 1) end
note_batch_fetched(batch)
