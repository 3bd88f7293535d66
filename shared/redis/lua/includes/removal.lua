-- include: records, files, webhooks, result_cache, changes, expiry
-- Removal: of records whose time is over, or whose owner deletes them.
-- Forget an ended job; a tombstone says for a time that it was there. Its bytes become garbage.
local function forget_job(id, tombstone_ms)
  local owner, inputs = job_values(id, 'owner', 'inputs')
  redis.call('ZREM', EXPIRING, id)
  unlist_result(id)
  if not owner then return end
  redis.call('ZREM', owned_jobs_key(owner), id)
  redis.call('ZREM', owned_pinned_key(owner), id)
  redis.call('SET', gone_key(id), owner, 'PX', tombstone_ms)
  release_outputs(id)
  for file, object in pairs(cjson.decode(inputs)) do drop_reference(owner, file, object) end
  redis.call('DEL', job_key(id), events_key(id), done_key(id))
  forget_deliveries('job', id)
  note_change(owner, id)
end

-- Mark a batch as deleted; sweep.lua removes its items and its record.
local function delete_batch(batch, owner)
  redis.call('ZREM', EXPIRING, batch)
  unlist_result(batch)
  redis.call('ZREM', owned_batches_key(owner), batch)
  redis.call('ZREM', IMPORTS, batch)
  redis.call('ZREM', EXPORTS, batch)
  redis.call('ZREM', owned_pinned_key(owner), batch)
  redis.call('HSET', batch_key(batch), 'status', 'deleted', 'swept', 0)
  redis.call('ZADD', BATCH_WORK, now, batch)
  note_change(owner, batch)
end
