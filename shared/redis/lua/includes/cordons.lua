-- Cordons: workers that claim nothing, by name, until somebody ends it; as in shared/fleet.py.
-- The name of a worker: its id without process and random part.
local function name_of(worker) return string.match(worker, '^(.+)%-%d+%-%x+$') or worker end

local function is_cordoned(worker) return redis.call('HEXISTS', CORDONS, name_of(worker)) == 1 end
