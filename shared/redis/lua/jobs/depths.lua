-- How many jobs of each lane could be claimed now. ARGV: the lanes. Changes nothing.
local depths = {}
for i = 1, #ARGV do
  depths[i] = 0
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(ARGV[i]), 0, -1)) do
    local _, count = waiting_of(ARGV[i], owner)
    depths[i] = depths[i] + count
  end
end
return depths
