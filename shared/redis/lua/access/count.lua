-- include: records, access
-- Count a request, also where the server is out of memory: what was accepted must be read and canceled then.
-- Returns the count in this window, the milliseconds left of it, and the version of the keys with the time, as
-- access/read.lua gives both.
local counter, window_ms = rate_key(ARGV[1]), tonumber(ARGV[2])
local count = redis.call('INCR', counter)
if count == 1 then redis.call('PEXPIRE', counter, window_ms) end
local left = redis.call('PTTL', counter)
if left > window_ms then -- the clock went back: that of a new primary, for one
  redis.call('PEXPIRE', counter, window_ms)
  left = window_ms
end
return {count, left, keys_version(), now}
