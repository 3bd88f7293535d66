-- include: records, holdings
-- Usage: what the jobs of an owner took, by the API key that sent them and by model, a hash a day. It is counted in the
-- script that ends an attempt, so that no attempt counts twice or not at all, whatever dies.
-- Outcomes whose time nobody is charged for: the service itself broke off.
local OUR_FAULT = {lost = true, released = true}

-- Count an attempt that ends now, of a job of such values; `made` is what it made: pixels and stored bytes, or nil.
local function note_usage(owner, key, model, started_at, outcome, made)
  if OUR_FAULT[outcome] then return end
  local name, field = usage_key(today), owner .. ' ' .. (key or '-') .. ' ' .. model
  local jobs, milliseconds, pixels, bytes =
    string.match(redis.call('HGET', name, field) or '0 0 0 0', '^(%d+) (%d+) (%d+) (%d+)$')
  local spent = math.max(0, now - started_at) -- the clock may have gone back: that of a new primary, for one
  local is_new = redis.call('HSET', name, field, string.format('%.0f %.0f %.0f %.0f', jobs + (made and 1 or 0),
    milliseconds + spent, pixels + (made and made.pixels or 0), bytes + (made and made.bytes or 0)))
  if is_new == 1 then redis.call('PEXPIREAT', name, (today + 1 + USAGE_DAYS) * DAY_MS) end
end
