-- Note that a file came again, and return its record; nothing where there is none.
-- ARGV: owner, file id, '1' where it came with a form for one job alone, ttl ms
if redis.call('EXISTS', file_key(ARGV[1], ARGV[2])) == 0 then return {} end
touch_file(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return redis.call('HGETALL', file_key(ARGV[1], ARGV[2]))
