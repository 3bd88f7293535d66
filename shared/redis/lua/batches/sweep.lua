-- Go on with what a canceled, deleted or resumed batch asks of its items, a chunk at a time. ARGV: batch, most, tombstone ms
-- Returns 1 while there is more to do.
local batch, most = ARGV[1], tonumber(ARGV[2])
local b = redis.call('HMGET', batch_key(batch), 'status', 'total', 'swept', 'owner', 'completed_at')
if b[1] ~= 'canceled' and b[1] ~= 'deleted' then
  local held = b[1] ~= 'paused' and redis.call('SPOP', batch_held_key(batch), most) or {}
  for _, id in ipairs(held) do enter_line(id, now) end
  if #held == most then return 1 end
  redis.call('ZREM', BATCH_WORK, batch)
  return 0
end
local from = tonumber(b[3] or 0)
local to = math.min(from + most, tonumber(b[2]))

local function cancel(id)
  local status = get(id, 'status')[1]
  if status ~= 'queued' and status ~= 'running' then return end
  end_attempt(id, 'canceled')
  finish(id, 'canceled')
end

local function forget(id)
  release_outputs(id)
  redis.call('DEL', job_key(id))
end

local function forget_item(index)
  local again = tonumber(redis.call('HGET', batch_again_key(batch), index) or 0)
  local first = 'job_' .. string.sub(batch, 7) .. '-' .. index
  forget(first)
  for try = 1, again do forget(first .. '-' .. try) end
end

for index = from, to - 1 do
  if b[1] == 'canceled' then cancel(item_id(batch, index)) else forget_item(index) end
end
redis.call('HSET', batch_key(batch), 'swept', to)
if to < tonumber(b[2]) then return 1 end
redis.call('ZREM', BATCH_WORK, batch)
if b[1] == 'deleted' then
  local files = redis.call('HGETALL', batch_files_key(batch))
  for i = 1, #files, 2 do unname_file(b[4], files[i], files[i + 1]) end
  forget_deliveries('batch', batch)
  redis.call('SET', gone_key(batch), b[4], 'PX', ARGV[3])
  redis.call('UNLINK', batch_key(batch), events_key(batch), batch_finished_key(batch), batch_again_key(batch),
    batch_files_key(batch), batch_names_key(batch), batch_held_key(batch), batch_dead_key(batch))
end
return 0
