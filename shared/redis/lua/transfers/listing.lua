-- include: records, changes
-- Note what a source has. `step` is 'begin', which forgets what another process, now dead or late, has noted under its own
-- `token`; 'add', with entries; or 'end', with how many there are. Returns 'ok', or 'lost' where another has begun since.
local step, id, token, count = unpack(ARGV)
local owner, current = batch_values(id, 'owner', 'source_token')
if not owner then return 'lost' end
if step == 'begin' then
  redis.call('HSET', batch_key(id), 'source_token', token)
  redis.call('DEL', batch_listing_key(id))
  return 'ok'
end
if current ~= token or redis.call('HEXISTS', batch_key(id), 'source_found') == 1 then return 'lost' end
if step == 'add' then
  redis.call('RPUSH', batch_listing_key(id), unpack(ARGV, 5))
else
  redis.call('HSET', batch_key(id), 'source_found', count)
  note_change(owner, id)
end
return 'ok'
