-- include: records
-- Waits: every job that could be claimed, by its kind of work, so that its place in the queue and the time until it
-- starts take a few reads, however many jobs wait.
local PLACES = 2 ^ 21 -- more than a batch has items
local micro = clock[1] * 1000000 + clock[2]

-- A job's model and size, as its submission gave them (shared/specs/spec.py); older jobs have the model alone.
local function work_of(model, work) return work or model .. ':' end

-- Where a job goes in its owner's queue, from its own number or its batch's: that of its acceptance, unless it was moved.
-- An item that came back goes before the rest of its batch.
local function order_of(number, index, came_back)
  if not index then return tonumber(number) end
  return number - (came_back and 0.5 or 0) + index / PLACES
end

-- The lane and the number of a batch's item: the batch may have been moved since the item was accepted.
local function with_batch(id, batch, lane)
  local now_in, number = batch_values(batch, 'lane', 'order')
  if now_in and now_in ~= lane then redis.call('HSET', job_key(id), 'lane', now_in) end
  return now_in or lane, number
end

local function wait_in(id, came_back)
  local lane, owner, sequence, number, index, model, work, batch =
    job_values(id, 'lane', 'owner', 'sequence', 'order', 'index', 'model', 'work', 'batch')
  if batch then lane, number = with_batch(id, batch, lane) end
  local order = order_of(number or sequence, index, came_back)
  work = work_of(model, work)
  redis.call('ZADD', waits_key(lane, owner, work), order, id)
  redis.call('SADD', works_key(lane, owner), work)
  return lane, owner, order
end

-- The reaper forgets kinds of work of which no job waits any more.
local function wait_out(id)
  local lane, owner, model, work = job_values(id, 'lane', 'owner', 'model', 'work')
  if not lane then return end -- an item that has ended, and was taken out then
  redis.call('ZREM', waits_key(lane, owner, work_of(model, work)), id)
  return lane, owner
end

-- Whether an item is after the sample that its batch runs.
local function is_after(sample, index) return sample and tonumber(index) >= tonumber(sample) end

-- Whether an item may not be claimed now: its batch is paused, waits for its time, or runs a sample.
local function is_held(batch, index)
  local paused, sample, not_before = batch_values(batch, 'paused', 'sample', 'not_before')
  return paused or tonumber(not_before or 0) > now or is_after(sample, index)
end

-- The places from the first to before the last that an entry of `stopped` keeps: of a whole batch, where its score is the
-- whole number of the batch's place, else of the items after a sample.
local function stopped_places(score)
  local number = math.floor(score)
  return score - (tonumber(score) == number and 0.5 or 0), number + 0.5
end

-- The first waiting job of a kind that is in no paused or canceled batch, from a place on: its id and its place.
local function first_waiting(lane, owner, work, from)
  local key = waits_key(lane, owner, work)
  local function first() return redis.call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1) end
  local entry, stopped = first(), redis.call('ZRANGE', stopped_key(lane, owner), 0, -1, 'WITHSCORES')
  for i = 2, #stopped, 2 do
    local before, after = stopped_places(stopped[i])
    local place = tonumber(entry[2] or nil)
    if place and place >= before and place < after then
      from = after
      entry = first()
    end
  end
  return entry[1], entry[2]
end

-- How many of an owner's jobs wait by kind of work, and in all: those that come before a place, or all of them.
local function waiting_of(lane, owner, place)
  local before = place and string.format('(%.17g', place) or '+inf'
  local stopped = redis.call('ZRANGEBYSCORE', stopped_key(lane, owner), '-inf', before, 'WITHSCORES')
  local counts, total = {}, 0
  for _, work in ipairs(redis.call('SMEMBERS', works_key(lane, owner))) do
    local key = waits_key(lane, owner, work)
    local count = redis.call('ZCOUNT', key, '-inf', before)
    for i = 2, #stopped, 2 do
      local first, after = stopped_places(stopped[i])
      count = count - redis.call('ZCOUNT', key, first, '(' .. after)
    end
    if count > 0 then counts[work], total = count, total + count end
  end
  return counts, total
end

-- Jobs that run share the time: add to the sum of their shares, in milliseconds, the share of each since the last call;
-- return the sum. What it grows by while a job runs is the job's cost, whatever ran beside it.
local shares -- known after the first call: within a script no time passes
local function pass_time(running)
  if shares then return shares end
  local sum, at = values(LOAD, 'shares', 'at')
  shares = tonumber(sum or 0)
  if running > 0 and at then shares = shares + math.max(0, micro - at) / 1000 / running end
  redis.call('HSET', LOAD, 'shares', string.format('%.3f', shares), 'at', micro)
  return shares
end
