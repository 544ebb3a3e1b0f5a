-- Write rows of one view, each unless the store has a later one. Returns for each row 1 when it is written, 0 when it was
-- there already, -1 when it is not.
-- KEYS: hash of each row's entity; then the set that lists the entities, if it is to be kept.
-- ARGV: how many rows; project; names of event time and mark; 1 when a refill writes, 2 of derived rows; seconds to live, 0 for ever; how
-- many features, and their fields; then of each row event time in Feast's bytes, its seconds and nanoseconds, revision
-- in eight bytes, and the values of the features.
local count, project, time_name, mark_name = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local flags, life, width = string.char(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local derived = tonumber(ARGV[5]) >= 2
local NO_REVISION = string.rep('\0', 8)
local HEAD = 4

local fields, kept, written = {}, {}, {time_name, '', mark_name, ''}
for index = 1, width do
  fields[index] = ARGV[7 + index]
  kept[fields[index]] = true
  written[2 * index + 3] = fields[index]
end
local field_text = table.concat(fields)
local at = 7 + width

local function content_of_arguments()
  local parts = {}
  for index = 1, width do
    local value = ARGV[at + HEAD + index]
    parts[index] = fields[index] .. #value .. ':' .. value
  end
  return table.concat(parts)
end

local function content_held(key, names)
  local parts = {}
  for index, name in ipairs(split_fields(names)) do
    local value = redis.call('HGET', key, name) or ''
    parts[index] = name .. #value .. ':' .. value
  end
  return table.concat(parts)
end

-- Whether the row in the arguments is later than the one that the store has: 1, 0 when they are the same, or -1.
local function compare_rows(key, stamp, mark)
  local seconds, nanos = parse_moment(stamp)
  if not seconds then return 1 end
  local revision, _, known_stamp, names, held_derived = parse_mark(mark)
  if known_stamp ~= stamp then revision, names, held_derived = NO_REVISION, field_text, false end
  local moments = compare_moments(tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), seconds, nanos)
  if moments ~= 0 and not (derived and held_derived) then return moments end
  local order = compare(ARGV[at + 4], revision)
  if order ~= 0 then return order end
  if moments ~= 0 then return moments end
  return compare(content_of_arguments(), content_held(key, names))
end

local function write(key, mark)
  local stamp = ARGV[at + 1]
  written[2] = stamp
  written[4] = ARGV[at + 4] .. flags .. string.char(#stamp) .. stamp .. field_text
  for index = 1, width do written[2 * index + 4] = ARGV[at + HEAD + index] end
  redis.call('HSET', key, unpack(written))
  local former = mark and #mark > 9 and mark:sub(11 + mark:byte(10)) or field_text
  if former ~= field_text then
    for _, name in ipairs(split_fields(former)) do
      if not kept[name] then redis.call('HDEL', key, name) end
    end
  end
  if not mark and KEYS[count + 1] then redis.call('SADD', KEYS[count + 1], key:sub(1, #key - #project)) end
  if life ~= '0' then redis.call('EXPIRE', key, life) end
end

local orders = {}
for row = 1, count do
  local key = KEYS[row]
  local held = redis.call('HMGET', key, time_name, mark_name)
  orders[row] = held[1] and compare_rows(key, held[1], held[2]) or 1
  if orders[row] == 1 then write(key, held[2]) end
  at = at + HEAD + width
end
return orders
