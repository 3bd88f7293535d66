-- include: quotas
-- Would an owner's quota refuse what is asked for? Both are JSON objects: what is asked for, and the defaults. Returns
-- the refusal, nothing where there is room. Changes nothing.
local owner, asked, defaults = unpack(ARGV)
return over_quota(owner, cjson.decode(asked), defaults) or {}
