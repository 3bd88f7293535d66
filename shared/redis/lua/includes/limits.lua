-- include: records, pauses, versions
-- Limits: how many jobs of an owner, and of a model, run at once, and which models a worker may run. Leases are counted,
-- as they are few and true: a count of its own could go wrong, and would then keep all from running.
local running_now -- by owner and by model, whose versions count together; nil before the first that has a limit
local function count_running()
  running_now = {owners = {}, models = {}}
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    local owner, model = job_values(id, 'owner', 'model')
    if owner then running_now.owners[owner] = (running_now.owners[owner] or 0) + 1 end
    model = model and versioned.name_of(model)
    if model then running_now.models[model] = (running_now.models[model] or 0) + 1 end
  end
end

-- Count a job that is being started.
local function count_started(id)
  if not running_now then return end
  local owner, model = job_values(id, 'owner', 'model')
  running_now.owners[owner] = (running_now.owners[owner] or 0) + 1
  model = model and versioned.name_of(model)
  if model then running_now.models[model] = (running_now.models[model] or 0) + 1 end
end

-- Owners whose quota of running jobs is spent wait, and the others go on. `most` is that of owners that have none of
-- their own, 0 for any number. Returns the owner's weight, too.
local function may_start_one(owner, most)
  local own_limit, weight = values(quota_key(owner), 'running', 'weight')
  local limit = tonumber(own_limit or most)
  if limit == 0 then return true, weight end
  if not running_now then count_running() end
  return (running_now.owners[owner] or 0) < limit, weight
end

local known_limits -- by model; nil until a script asks
local function limits_of_models()
  known_limits = known_limits or all_fields(MODEL_LIMITS)
  return known_limits
end

local function is_at_limit(model)
  local name = versioned.name_of(model)
  local limit = limits_of_models()[name]
  if not limit then return false end
  if not running_now then count_running() end
  return (running_now.models[name] or 0) >= tonumber(limit)
end

-- The models of a list of names; nil for '*', which is any model.
local function listed_models(names)
  if names == '*' then return nil end
  local models = {}
  for model in string.gmatch(names, '%S+') do models[model] = true end
  return models
end

-- May no job of a kind of work be started for an owner in a lane now? `models` are those that can be run, nil for any.
local function is_blocked(lane, owner, work, models)
  local model = model_of(work)
  if models and not models[model] then return true end
  for _, name in ipairs(models and further_models_of(work) or {}) do
    if not models[name] then return true end
  end
  return pause_of(lane, owner, model) ~= nil or is_at_limit(model)
end
