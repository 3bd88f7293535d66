-- include: records, removal
-- Forget jobs and batches that are done, so that their results go: oldest first, until so many bytes are free. `count` is
-- how often room was made: where somebody else made some since it was read, nothing is done. `which` is 'old' for results
-- of at least this age, 'fetched' for younger ones that were fetched; `offset` is how many of these are passed over.
-- A batch comes last, as what it takes is not known: the next measurement tells.
-- Returns {'late'}; or {'ok', the new count, bytes, the next offset, 1 where there may be more}, then the ids.
local count, which, offset, wanted, min_age_ms, most, tombstone_ms = unpack(ARGV)
offset, wanted, most = tonumber(offset), tonumber(wanted), tonumber(most)
if (redis.call('HGET', RECLAIMED, 'count') or '0') ~= count then return {'late'} end

-- Would its bytes stay, as other jobs name them?
local function is_shared(id)
  local source = job_value(id, 'cached_from')
  if not source then return redis.call('HEXISTS', SHARERS, id) == 1 end
  return redis.call('EXISTS', job_key(source)) == 1 or tonumber(redis.call('HGET', SHARERS, source) or 0) > 1
end

local list, youngest = RESULTS, now - min_age_ms
if which == 'fetched' then list, youngest = FETCHED, now end
local ids = redis.call('ZRANGEBYSCORE', list, '-inf', youngest, 'LIMIT', offset, most)
local freed, gone, removed_batch = 0, {}, nil
local function note_reason(id)
  redis.call('SET', gone_why_key(id), 'reclaimed', 'PX', tombstone_ms)
  gone[#gone + 1] = id
end
for _, id in ipairs(ids) do
  local owner = redis.call('HGET', batch_key(id), 'owner')
  if redis.call('ZSCORE', EXPORTS, id) then
    offset = offset + 1 -- its results are on their way to a place
  elseif owner then
    delete_batch(id, owner)
    note_reason(id)
    removed_batch = id
  elseif is_shared(id) then
    offset = offset + 1
  else
    freed = freed + (job_value(id, 'stored_bytes') or 0)
    forget_job(id, tombstone_ms)
    note_reason(id)
  end
  if removed_batch or freed >= wanted then break end
end
if #gone > 0 then
  count = redis.call('HINCRBY', RECLAIMED, 'count', 1)
  redis.call('HSET', RECLAIMED, 'at', now)
end
local may_be_more = #ids == most and not removed_batch and freed < wanted
return {'ok', tostring(count), freed, offset, may_be_more and 1 or 0, unpack(gone)}
