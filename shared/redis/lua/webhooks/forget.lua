-- Drop the deliveries of a subject whose record is gone. ARGV: kind, id of the subject
if redis.call('EXISTS', subject_key(ARGV[1], ARGV[2])) == 0 then forget_deliveries(ARGV[1], ARGV[2]) end
