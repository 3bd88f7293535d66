-- End a pause. Returns 1 if it was there.
return redis.call('HDEL', PAUSES, ARGV[1])
