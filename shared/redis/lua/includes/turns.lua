-- include: records
-- Turns of the owners of a lane, by start-time fair queueing (P. Goyal, H. Vin, H. Cheng, SIGCOMM 1996) with turns of one
-- length. The lowest turn goes next, and the owner's next one is 1 / weight later: of any two owners that wait, none has
-- more than one turn of its own more than its weight says. The lane's turn is the highest that was served. An owner that comes
-- back goes on from its own last turn, or from the lane's: time away saves up no turns. It then has its first turn an
-- eighth of a turn early at most, so that it goes before those whose turn is at the same time: few jobs of one owner need
-- not wait for a turn of each of the others. Turns are multiples of a sixteenth of the owner's step: sums of steps would
-- differ by rounding, and places would not be exact.
local PARTS = 16 -- of a step
local OF_LANE = '' -- among the served owners: no owner has this name
local ROUNDING = 0.001 -- more than a number of parts is off by rounding, less than turns of two owners differ by

local function weight_of(owner) return tonumber(redis.call('HGET', quota_key(owner), 'weight') or 1) end

-- When an owner has its turn, if it may not have it before `at`, and the lane's turn is `served`.
local function turn_from(at, served, weight)
  local parts = PARTS * weight
  return math.max(math.ceil(at * parts - ROUNDING), math.floor(served * parts + ROUNDING) - 1) / parts
end

-- The turn of an owner that has nothing in the lane's queues. Nobody's turn is later than one after the lane's: only an
-- older Atelier, which counted all turns, wrote such.
local function turn_of_absent(lane, owner, weight)
  local at, served = values(served_key(lane), owner, OF_LANE)
  at = math.min(tonumber(at or 0), served and served + 1 or math.huge)
  return turn_from(at, tonumber(served or 0), weight)
end
