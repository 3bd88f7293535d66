-- include: records, queues, places, changes
-- Move what waits of a batch to the 'front' or the 'back' of its owner's queue, or into another lane, or both; '' where
-- one stays. Its next items are claimed at the new place from now on; sweep.lua has those follow that are counted or wait
-- by themselves. Returns 'ok', 'missing', or what forbids it: the status, 'started'
-- where no item waits.
local id, owner, to, lane = unpack(ARGV)
local batch = fields(batch_key(id), 'owner', 'status', 'completed_at', 'finalized_at', 'queued', 'lane', 'sequence', 'order',
  'moved_from')
if batch.owner ~= owner or batch.status == 'deleted' then return 'missing' end
if batch.completed_at or batch.status == 'canceled' then return batch.status end
if batch.finalized_at and batch.queued == '0' then return 'started' end

local old_lane, old_number = batch.lane, batch.order or batch.sequence
local number = new_number(owner, to) or old_number
lane = lane ~= '' and lane or old_lane
redis.call('HSET', batch_key(id), 'lane', lane, 'order', number,
  'moved_from', string.format('%s%s %s;', batch.moved_from or '', old_lane, old_number))
if redis.call('ZREM', queue_key(old_lane, owner), id) == 1 then enqueue(lane, owner, number, id) end
local stopped = redis.call('ZSCORE', stopped_key(old_lane, owner), id)
if stopped then
  free_places(id, old_lane, owner)
  hold_places(id, lane, owner, stopped + (number - old_number)) -- a sample keeps its part of it
end
redis.call('ZADD', BATCH_WORK, now, id)
emit(id, 'moved', {lane = lane, to = to ~= '' and to or nil})
note_change(owner, id)
return 'ok'
