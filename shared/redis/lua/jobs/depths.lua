-- include: pauses
-- How many jobs of each lane could be claimed now. Takes the lanes. Changes nothing.
local depths = {}
for i, lane in ipairs(ARGV) do
  depths[i] = 0
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(lane), 0, -1)) do
    local _, count = startable_of(lane, owner)
    depths[i] = depths[i] + count
  end
end
return depths
