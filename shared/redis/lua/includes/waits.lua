-- Waits: every job that could be claimed, by the kind of its work, so that a place in line and the time until it
-- comes take a few reads, whatever many wait.
local PLACES = 2 ^ 21 -- more than a batch has items
local micro = clock[1] * 1000000 + clock[2]

-- What a job is like in size, which its submission said (shared/specs/spec.py); jobs of an older Atelier do not.
local function work_of(model, work) return work or model .. ':' end

-- Where a job goes in its owner's line. An item that came back goes before the rest of its batch.
local function order_of(sequence, index, came_back)
  if not index then return tonumber(sequence) end
  return sequence - (came_back and 0.5 or 0) + index / PLACES
end

local function wait_in(id, came_back)
  local job = get(id, 'lane', 'owner', 'sequence', 'index', 'model', 'work')
  local lane, owner, work = job[1], job[2], work_of(job[5], job[6])
  local place = order_of(job[3], job[4], came_back)
  redis.call('ZADD', waits_key(lane, owner, work), place, id)
  redis.call('SADD', works_key(lane, owner), work)
  return lane, owner, place
end

-- The reaper forgets kinds of which none waits any more.
local function wait_out(id)
  local job = get(id, 'lane', 'owner', 'model', 'work')
  if not job[1] then return end -- an item that has ended, and left when it did
  redis.call('ZREM', waits_key(job[1], job[2], work_of(job[3], job[4])), id)
  return job[1], job[2]
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
      count = count - redis.call('ZCOUNT', key, stopped[i] - 0.5, '(' .. stopped[i] + 0.5)
    end
    if count > 0 then counts[work], total = count, total + count end
  end
  return counts, total
end

-- Let time pass for so many jobs that run, each of which gets its share of it; return the sum of such shares so far,
-- in milliseconds. What it grows by while a job runs is the job's cost, whatever ran beside it.
local shares -- once it is known: within a script no time passes
local function pass_time(running)
  if shares then return shares end
  local load = redis.call('HMGET', LOAD, 'shares', 'at')
  shares = tonumber(load[1] or 0)
  if running > 0 and load[2] then shares = shares + (micro - load[2]) / 1000 / running end
  redis.call('HSET', LOAD, 'shares', string.format('%.3f', shares), 'at', micro)
  return shares
end
