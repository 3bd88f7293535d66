-- Versions: models are named by `name` or `name@version`; how jobs of a version ended, and how long the latest ran.
-- Other jobs cost nothing here.
local versioned = {}

-- The name of a model, whatever its version.
function versioned.name_of(model) return string.match(model, '^[^@]*') end

-- Count the end of a job: `what` is its status, of a failed one with the error's code; `spent` are milliseconds.
-- A statistic that cannot be written must not break the move that ends a job.
function versioned.note(model, what, spent)
  local RUNS_KEPT, KEPT = 256, 31 * 24 * 3600 -- the latest times, and seconds after the last end
  if not model or not string.find(model, '@', 1, true) then return end
  redis.pcall('HINCRBY', version_key('ended', model), what, 1)
  redis.pcall('EXPIRE', version_key('ended', model), KEPT)
  if not spent then return end
  redis.pcall('LPUSH', version_key('runs', model), string.format('%.0f', spent))
  redis.pcall('LTRIM', version_key('runs', model), 0, RUNS_KEPT - 1)
  redis.pcall('EXPIRE', version_key('runs', model), KEPT)
end
