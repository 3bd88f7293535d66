-- Note how far an attempt is. ARGV: id, attempt, progress (JSON)
local how = standing(ARGV[1], ARGV[2])
if how == 'ok' then
  change(ARGV[1], 'progress', ARGV[3])
  emit(ARGV[1], 'progress', cjson.decode(ARGV[3]))
end
return how
