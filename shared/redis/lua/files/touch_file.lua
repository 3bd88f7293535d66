-- include: files
-- Note that a file came again, and return its record; nothing where there is none. `with_form` is '1' where it came
-- with a form, for one job alone.
local owner, id, with_form, ttl_ms = unpack(ARGV)
if redis.call('EXISTS', file_key(owner, id)) == 0 then return {} end
touch_file(owner, id, with_form, ttl_ms)
return redis.call('HGETALL', file_key(owner, id))
