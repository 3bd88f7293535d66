-- include: records, retries, quotas
-- Try items again that failed or expired, each as a new job in its place: some from an index on. With the id of an
-- item's job, that one alone, if it is the item's latest; then it may have been canceled, too.
-- The quota is asked for each of them; `quotas` are those of owners that have none of their own (a JSON object).
-- Returns {how many, next index or -1, file ids that are missing}, or {'missing'} or the status that forbids it, or a
-- refusal by quota where none was tried again.
local batch_id, owner, from, most, quotas, alone = unpack(ARGV)
from, most = tonumber(from), tonumber(most)
local batch = fields(batch_key(batch_id), 'owner', 'status', 'total', 'sequence', 'failed', 'expired', 'swept')
if batch.owner ~= owner or batch.status == 'deleted' then return {'missing'} end
if batch.status == 'canceled' and batch.swept then return {batch.status} end
local total = tonumber(batch.total)
local function may_retry(id, status)
  if alone and id ~= alone then return false end
  return status == 'failed' or status == 'expired' or alone and status == 'canceled'
end

-- What is needed to try an item again; nil where it may not be, or a file is gone.
local function candidate(index, missing)
  local old_id = item_id(batch_id, index)
  local status = job_value(old_id, 'status')
  if not may_retry(old_id, status) then return end
  return item_to_retry(owner, batch_id, batch.sequence, index, missing)
end

local items, missing, asked = {}, {}, {}
local to = math.min(from + most, total)
for index = from, to - 1 do
  local item = candidate(index, missing)
  if item then
    items[#items + 1] = item
    add_asked(asked, item.request)
  end
end
-- The first of several calls asks for room in the queue for all that may come.
local all = {queued = from == 0 and not alone and batch.failed + batch.expired or nil}
local refusal = over_quota(owner, all, quotas) or over_quota(owner, asked, quotas)
if refusal then return refusal end
hold_asked(owner, asked)
for _, item in ipairs(items) do retry_item(owner, batch_id, item) end
local count = #items
if count > 0 then reopen_batch(batch_id) end
return {count, to < total and to or -1, missing}
