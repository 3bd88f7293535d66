-- include: records
-- Versions: how jobs that have one ended, and how long the latest ran. Other jobs cost nothing here.
local RUNS_KEPT = 256 -- whose times are kept, the latest
local OUTCOMES_KEPT = 31 * 24 * 3600 -- seconds after the last

-- Count the end of a job: `what` is its status, of a failed one with the error's code; `spent` are milliseconds.
local function note_version(model, what, spent)
  if not model or not string.find(model, '@', 1, true) then return end
  redis.call('HINCRBY', version_outcomes_key(model), what, 1)
  redis.call('EXPIRE', version_outcomes_key(model), OUTCOMES_KEPT)
  if not spent then return end
  redis.call('LPUSH', version_runs_key(model), string.format('%.0f', spent))
  redis.call('LTRIM', version_runs_key(model), 0, RUNS_KEPT - 1)
  redis.call('EXPIRE', version_runs_key(model), OUTCOMES_KEPT)
end
