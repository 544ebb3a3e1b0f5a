-- Write one row unless the store has a later one. Returns 1 when written, 0 when it was there already, -1 when not.
-- KEYS: hash of the entity; set that lists the entities, if it is to be kept.
-- ARGV: names of event time and mark; event time in Feast's bytes, its seconds and nanoseconds; mark; seconds to live, 0
-- for ever; the entity as the set lists it; then field and value of each feature.
local FIRST = 8
local NO_REVISION = string.rep('\0', 8)

local key = KEYS[1]
local held = redis.call('HMGET', key, ARGV[1], ARGV[2])
local revision, _, _, fields, derived = parse_mark(ARGV[6])
local held_revision, _, held_stamp, held_fields, held_derived = parse_mark(held[2])

local function content_of_arguments()
  local parts = {}
  for at = FIRST + 1, #ARGV, 2 do
    parts[#parts + 1] = ARGV[at] .. #ARGV[at + 1] .. ':' .. ARGV[at + 1]
  end
  return table.concat(parts)
end

local function content_held(names)
  local parts = {}
  for at, name in ipairs(split_fields(names)) do
    local value = redis.call('HGET', key, name) or ''
    parts[at] = name .. #value .. ':' .. value
  end
  return table.concat(parts)
end

local seconds, nanos = nil, nil
if held[1] then seconds, nanos = parse_moment(held[1]) end
if seconds then
  local known = held_stamp == held[1]
  local moments = compare_moments(tonumber(ARGV[4]), tonumber(ARGV[5]), seconds, nanos)
  local revisions = compare(revision, known and held_revision or NO_REVISION)
  local order = moments
  if known and derived and held_derived and revisions ~= 0 then order = revisions end
  if order == 0 then
    order = revisions
    if order == 0 then order = compare(content_of_arguments(), content_held(known and held_fields or fields)) end
  end
  if order <= 0 then return order end
end

redis.call('HSET', key, ARGV[1], ARGV[3], ARGV[2], ARGV[6], unpack(ARGV, FIRST + 1))
if held_fields and held_fields ~= fields then
  local kept = {}
  for _, name in ipairs(split_fields(fields)) do kept[name] = true end
  for _, name in ipairs(split_fields(held_fields)) do
    if not kept[name] then redis.call('HDEL', key, name) end
  end
end
if KEYS[2] then redis.call('SADD', KEYS[2], ARGV[8]) end
if ARGV[7] ~= '0' then redis.call('EXPIRE', key, ARGV[7]) end
return 1
