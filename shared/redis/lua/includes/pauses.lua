-- include: records, waits, versions
-- Pauses: what is not started for a time. Each is a JSON object (shared/pauses/pause.py): its id, the lane, model and
-- owner that it holds for, each left out where it holds for all, `reason`, `by`, and `ends_at` where it has an end. One
-- with a `window` holds from `starts` to `stops` alone: this time or the next, as the reaper computed it.
local DAY_LENGTH = 24 * 3600 * 1000

-- When a pause that holds now ends, math.huge where it does not by itself; nil where it does not hold now.
local function end_of(pause)
  local ends_at = pause.ends_at or math.huge
  if now >= ends_at then return nil end
  if not pause.window then return ends_at end
  -- Where no reaper was there to compute the next time, it is taken for the same time of each day.
  local later = now < pause.stops and 0 or (math.floor((now - pause.stops) / DAY_LENGTH) + 1) * DAY_LENGTH
  if now < pause.starts + later then return nil end
  return math.min(ends_at, pause.stops + later)
end

local pauses -- those that hold now, the one that lasts longest first; nil until a script asks
local function read_pauses()
  pauses = {}
  for _, text in ipairs(redis.call('HVALS', PAUSES)) do
    local pause = cjson.decode(text)
    pause.holds_until = end_of(pause)
    if pause.holds_until then pauses[#pauses + 1] = pause end
  end
  table.sort(pauses, function(a, b) return a.holds_until > b.holds_until end)
end

-- The pause that keeps a model's jobs of an owner in a lane from starting now, the one that lasts longest: its fields,
-- and `holds_until`, math.huge where it does not end by itself. Without a lane, an owner or a model the answer is of a
-- pause that holds for all of these. Returns nil where nothing is paused.
local function pause_of(lane, owner, model)
  if not pauses then read_pauses() end
  for _, pause in ipairs(pauses) do
    local matches = (not pause.lane or pause.lane == lane) and (not pause.owner or pause.owner == owner)
      and (not pause.model or pause.model == model or model and pause.model == versioned.name_of(model))
    if matches then return pause end
  end
end

-- The model of a kind of work, and the names of those that bring what it makes to its size (shared/specs/spec.py).
local function model_of(work) return string.match(work, '^[^:+]*') end
local function further_models_of(work)
  local names = {}
  for name in string.gmatch(string.match(work, '^[^:]*'), '%+([^+]*)') do names[#names + 1] = name end
  return names
end

-- What `waiting_of` counts, without what is paused.
local function startable_of(lane, owner, place)
  local counts, total = waiting_of(lane, owner, place)
  for work, count in pairs(counts) do
    if pause_of(lane, owner, model_of(work)) then counts[work], total = nil, total - count end
  end
  return counts, total
end
