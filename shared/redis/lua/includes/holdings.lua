-- include: records
-- Holdings: what an owner has of each thing that a quota limits. `queued` is how many of its jobs wait, items of batches
-- included; `stored_bytes` what its files and results take, and what those of unfinished jobs are expected to take;
-- `daily_pixels` what it has asked for on the day `day`, by the server's clock in UTC.
local DAY_MS = 24 * 3600 * 1000
local today = math.floor(now / DAY_MS)

-- Count more of a thing, or less. What an older Atelier accepted was not counted, so no count falls below 0.
local function hold(owner, name, more)
  more = tonumber(more)
  if more == 0 then return end
  if redis.call('HINCRBY', holdings_key(owner), name, more) < 0 then redis.call('HSET', holdings_key(owner), name, 0) end
end

local function hold_pixels(owner, more)
  if tonumber(more) == 0 then return end
  if tonumber(redis.call('HGET', holdings_key(owner), 'day') or 0) ~= today then
    redis.call('HSET', holdings_key(owner), 'day', today, 'daily_pixels', 0)
  end
  hold(owner, 'daily_pixels', more)
end

local function holds(owner, name)
  local count, day = values(holdings_key(owner), name, 'day')
  if name == 'daily_pixels' and tonumber(day or 0) ~= today then return 0 end
  return tonumber(count or 0)
end

-- A job has ended: its results take what they take, and what was never started made no pixels. An item that may be tried
-- again keeps what it was expected to make.
local function settle_holdings(id, status)
  local owner, expected, pixels, attempt, created_at =
    job_values(id, 'owner', 'expected_bytes', 'pixels', 'attempt', 'created_at')
  hold(owner, 'stored_bytes', -(expected or 0))
  if attempt == '0' and math.floor(created_at / DAY_MS) == today then hold_pixels(owner, -(pixels or 0)) end
  if status == 'succeeded' then redis.call('HDEL', job_key(id), 'expected_bytes', 'pixels') end
end
