-- Totals: how many jobs, attempts and deliveries have ended, and how, since the server is in use. They are counted in the
-- script that ends each, so that none counts twice or not at all, whatever process dies.
local function count_total(...) redis.call('HINCRBY', TOTALS, table.concat({...}, ' '), 1) end
