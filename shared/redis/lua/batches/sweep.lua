-- include: records, holdings, attempts, queues, places, files, webhooks, batch_counts, result_cache, chains, moves
-- Go on with what a canceled, deleted, resumed or moved batch means for its items, some at a time.
-- Returns 1 while there is more to do.
local batch_id, most, tombstone_ms = unpack(ARGV)
most = tonumber(most)
local batch = fields(batch_key(batch_id), 'status', 'total', 'swept', 'owner', 'completed_at')
local is_canceled = batch.status == 'canceled' and not batch.completed_at
if not is_canceled and batch.status ~= 'deleted' then
  if follow_batch(batch_id) then return 1 end
  local held = batch.status ~= 'paused' and redis.call('SPOP', batch_held_key(batch_id), most) or {}
  for _, id in ipairs(held) do enqueue_job(id, now) end
  if #held == most then return 1 end
  redis.call('ZREM', BATCH_WORK, batch_id)
  return 0
end
local from = tonumber(batch.swept or 0)
local to = math.min(from + most, tonumber(batch.total))

local function cancel(id)
  local status = job_value(id, 'status')
  if status ~= 'queued' and status ~= 'running' then return end
  end_attempt(id, 'canceled')
  finish(id, 'canceled')
end

local function forget(id)
  local status, owner, parents, taken = job_values(id, 'status', 'owner', 'parents', 'taken')
  if status == 'queued' then
    count_move(id, 'canceled')
    settle_holdings(id, 'canceled')
    if parents then chain.leave(id, owner, batch_id, parents, taken) end
  end
  release_outputs(id)
  redis.call('DEL', job_key(id))
end

local function forget_item(index)
  local tries = tonumber(redis.call('HGET', batch_again_key(batch_id), index) or 0)
  local first = 'job_' .. string.sub(batch_id, 7) .. '-' .. index
  forget(first)
  for try = 1, tries do forget(first .. '-' .. try) end
end

for index = from, to - 1 do
  if is_canceled then cancel(item_id(batch_id, index)) else forget_item(index) end
end
redis.call('HSET', batch_key(batch_id), 'swept', to)
if to < tonumber(batch.total) then return 1 end
redis.call('ZREM', BATCH_WORK, batch_id)
if batch.status == 'deleted' then
  for file, object in pairs(all_fields(batch_files_key(batch_id))) do drop_reference(batch.owner, file, object) end
  forget_deliveries('batch', batch_id)
  redis.call('SET', gone_key(batch_id), batch.owner, 'PX', tombstone_ms)
  redis.call('UNLINK', batch_key(batch_id), events_key(batch_id), batch_finished_key(batch_id),
    batch_again_key(batch_id), batch_files_key(batch_id), batch_names_key(batch_id), batch_held_key(batch_id),
    batch_dead_key(batch_id), batch_parts_key(batch_id), batch_fetched_key(batch_id), batch_waiting_key(batch_id),
    batch_listing_key(batch_id), batch_templates_key(batch_id))
end
return 0
