-- include: places
-- Move a queued job to the 'front' or the 'back' of its owner's queue, or into another lane, or both; '' where one stays.
-- Returns {'ok'}, {'missing'}, or what forbids it: {the status}, {'item'}, {'follower', the job that it follows}.
return {move_job(unpack(ARGV))}
