-- include: records
-- Note why a source is not taken whole. A batch that was deleted meanwhile, and whose record is gone, stays gone.
local id, error = unpack(ARGV)
if batch_values(id, 'owner') then redis.call('HSET', batch_key(id), 'source_error', error) end
