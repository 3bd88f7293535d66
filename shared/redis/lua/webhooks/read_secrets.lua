-- include: records
-- An owner's signing secrets that are valid now, the current one first; the owner is '' for the anonymous one.
local key = ARGV[1] == '' and WEBHOOK_SECRETS or owned_webhook_secrets_key(ARGV[1])
return redis.call('ZREVRANGEBYSCORE', key, '+inf', '(' .. now)
