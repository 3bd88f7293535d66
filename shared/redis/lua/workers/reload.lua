-- Request that all workers look for new versions of models.
return redis.call('INCR', RELOAD)
