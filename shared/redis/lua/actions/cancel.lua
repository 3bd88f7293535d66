-- include: records, actions
-- End a bulk action: what it has not done yet stays as it is. Returns the status that it had, 'missing' where the owner
-- has no such action.
local id, owner = unpack(ARGV)
local actual_owner, status = values(action_key(id), 'owner', 'status')
if actual_owner ~= owner then return 'missing' end
if status == 'running' then end_action(id, 'canceled') end
return status
