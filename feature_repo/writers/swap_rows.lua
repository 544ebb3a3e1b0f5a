-- Put staged rows in the place of all rows of a project; streamed rows that are newer stay. Returns 1, or 0 when a staged
-- entity has run out meanwhile: nothing is changed then.
-- KEYS: key that counts the refills.
-- ARGV: project; project of the staged rows; event times that a row may have to stay: seconds and nanoseconds of the
-- first and of the last; how many join keys there are, and of each the set that lists its entities and what their keys
-- begin with; how many staged entities, and their keys; the keys of all entities that were found before.
local project, staged_project = ARGV[1], ARGV[2]
local since, since_nanos, till, till_nanos = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local at = 7
local function take() at = at + 1 return ARGV[at - 1] end
local directories = {}
for number = 1, tonumber(take()) do directories[number] = {key = take(), prefix = take()} end

-- Key of an entity -> its staged key, or false.
local places = {}
local staged = {}
for number = 1, tonumber(take()) do
  staged[number] = take()
  if redis.call('EXISTS', staged[number]) == 0 then return 0 end
end
while at <= #ARGV do places[take()] = false end
for _, directory in ipairs(directories) do
  if redis.call('TYPE', directory.key).ok == 'set' then
    for _, entity in ipairs(redis.call('SMEMBERS', directory.key)) do places[entity .. project] = false end
  end
end
for _, key in ipairs(staged) do places[key:sub(1, #key - #staged_project) .. project] = key end

-- Whether a row with this event time stays in place of what is staged.
local function stays(stamp, staged_stamp)
  local seconds, nanos = parse_moment(stamp)
  if not seconds then return false end
  if compare_moments(seconds, nanos, since, since_nanos) < 0 then return false end
  if compare_moments(seconds, nanos, till, till_nanos) > 0 then return false end
  if not staged_stamp then return true end
  local staged_seconds, staged_nanos = parse_moment(staged_stamp)
  return not staged_seconds or compare_moments(seconds, nanos, staged_seconds, staged_nanos) > 0
end

-- Fields and values of the rows that stay of an entity; of each such row, the fields that were staged in its place.
local function find_staying(place, key)
  local kept, gone, held = {}, {}, {}
  if redis.call('TYPE', place).ok ~= 'hash' then return kept, gone end
  local flat = redis.call('HGETALL', place)
  for index = 1, #flat, 2 do held[flat[index]] = flat[index + 1] end
  for name, mark in pairs(held) do
    local view = name:match('^_row:(.*)$')
    local _, filled, stamp, fields = parse_mark(view and mark)
    local time = '_ts:' .. (view or '')
    if stamp and not filled and held[time] == stamp and stays(stamp, key and redis.call('HGET', key, time)) then
      for _, field in ipairs({time, name, unpack(split_fields(fields))}) do
        if held[field] then
          kept[#kept + 1] = field
          kept[#kept + 1] = held[field]
        end
      end
      local _, _, _, staged_fields = parse_mark(key and redis.call('HGET', key, name))
      for _, field in ipairs(split_fields(staged_fields or '')) do gone[#gone + 1] = field end
    end
  end
  return kept, gone
end

local function list(place)
  local entity = place:sub(1, #place - #project)
  for _, directory in ipairs(directories) do
    if entity:sub(1, #directory.prefix) == directory.prefix then redis.call('SADD', directory.key, entity) end
  end
end

-- Rows that stay are added to the staged ones first: this is all that can fail for want of memory, on the first write.
local staying = {}
for place, key in pairs(places) do
  local kept, gone = find_staying(place, key)
  staying[place] = kept
  if key and #kept > 0 then
    redis.call('HSET', key, unpack(kept))
    local restored = {}
    for index = 1, #kept, 2 do restored[kept[index]] = true end
    for _, field in ipairs(gone) do
      if not restored[field] then redis.call('HDEL', key, field) end
    end
  end
end
for _, directory in ipairs(directories) do redis.call('DEL', directory.key) end
for place, key in pairs(places) do
  if key then
    redis.call('RENAME', key, place)
    redis.call('PERSIST', place)
    list(place)
  else
    redis.call('DEL', place)
    if #staying[place] > 0 then
      redis.call('HSET', place, unpack(staying[place]))
      list(place)
    end
  end
end
redis.call('INCR', KEYS[1])
return 1
