-- include: records, holdings
-- Quotas: how much an owner may have. A limit of 0 is none. What an owner's own quota does not limit, the defaults do.
local QUOTAS = {'queued', 'stored_bytes', 'daily_pixels'} -- `running` is kept by claims (claim.lua)

-- How long until there is room again, where time alone makes it: in milliseconds, else -1.
local function time_until_room(name)
  if name == 'daily_pixels' then return (today + 1) * DAY_MS - now end
  return name == 'queued' and 2000 or -1
end

-- Why an owner may not have what is asked for, by quota: nil, or {'quota', its name, the limit, what is used, what is
-- asked for, the pause}. The defaults are a JSON object.
local function over_quota(owner, asked, defaults)
  local own, default = all_fields(quota_key(owner)), cjson.decode(defaults)
  for _, name in ipairs(QUOTAS) do
    local limit, more = tonumber(own[name] or default[name]), asked[name] or 0
    local used = limit > 0 and more > 0 and holds(owner, name)
    if used and used + more > limit then return {'quota', name, limit, used, more, time_until_room(name)} end
  end
end

-- What one more job asks for, by its request.
local function add_asked(asked, request)
  asked.queued = (asked.queued or 0) + 1
  asked.stored_bytes = (asked.stored_bytes or 0) + (request.expected_bytes or 0)
  asked.daily_pixels = (asked.daily_pixels or 0) + (request.pixels or 0)
end

local function hold_asked(owner, asked)
  hold(owner, 'queued', asked.queued or 0)
  hold(owner, 'stored_bytes', asked.stored_bytes or 0)
  hold_pixels(owner, asked.daily_pixels or 0)
end
