-- include: records, changes
-- Have a batch take no further step from or to its place. From a source: it is taken whole, or `error` (JSON) says why
-- not. To a destination: nothing is left to put there; where items ended or go again meanwhile, it goes on. Returns 1
-- where it is over.
local kind, id, error = unpack(ARGV)
local owner, completed_at, exported = batch_values(id, 'owner', 'completed_at', 'exported')
if kind == 'source' then
  redis.call('ZREM', IMPORTS, id)
  redis.call('UNLINK', batch_listing_key(id), batch_templates_key(id))
  if not owner then return 1 end
  redis.call('HDEL', batch_key(id), 'source_error', 'source_tries', 'source_since', 'source_retry_at', 'source_token')
  redis.call('HSET', batch_key(id), 'source_ended_at', now)
  if error ~= '' then redis.call('HSET', batch_key(id), 'source_error', error) end
else
  local is_over = completed_at and tonumber(exported or 0) >= redis.call('LLEN', batch_finished_key(id))
  if owner and not is_over then return 0 end
  redis.call('ZREM', EXPORTS, id)
  if not owner then return 1 end
  redis.call('HDEL', batch_key(id), 'destination_error', 'destination_tries', 'destination_since',
    'destination_retry_at')
  redis.call('HSET', batch_key(id), 'exported_at', now)
end
note_change(owner, id)
return 1
