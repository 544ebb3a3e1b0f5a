-- Functions that both scripts begin with: event times, marks, and the order of rows.

-- A serialized google.protobuf.Timestamp -> seconds, nanoseconds; nothing for other bytes.
-- Ten bytes are a negative number: minus its complement, minus one, which a double holds where the number itself is too
-- large for one.
local function parse_moment(raw)
  local parts = {[8] = 0, [16] = 0}
  local at = 1
  while at <= #raw do
    local tag = raw:byte(at)
    if not parts[tag] then return nil end
    local number, complement, scale, size, byte = 0, 0, 1, 0, nil
    repeat
      at, size = at + 1, size + 1
      byte = raw:byte(at)
      if not byte or size > 10 then return nil end
      number = number + byte % 128 * scale
      if size < 10 then complement = complement + (127 - byte % 128) * scale end
      scale = scale * 128
    until byte < 128
    at = at + 1
    parts[tag] = size == 10 and -complement - 1 or number
  end
  return parts[8], parts[16]
end

-- Which of two texts is greater, byte by byte: 1, 0 or -1. Lua's own order follows the locale.
local function compare(a, b)
  if a == b then return 0 end
  for at = 1, math.min(#a, #b) do
    local one, other = a:byte(at), b:byte(at)
    if one ~= other then return one > other and 1 or -1 end
  end
  return #a > #b and 1 or -1
end

local function compare_moments(seconds, nanos, other_seconds, other_nanos)
  if seconds ~= other_seconds then return seconds > other_seconds and 1 or -1 end
  if nanos ~= other_nanos then return nanos > other_nanos and 1 or -1 end
  return 0
end

-- A mark -> revision, whether a refill wrote the row, its event time, the fields of its features as one text, and
-- whether the row is derived.
local function parse_mark(mark)
  if not mark or #mark < 10 then return nil end
  local stop = 10 + mark:byte(10)
  return mark:sub(1, 8), mark:byte(9) % 2 == 1, mark:sub(11, stop), mark:sub(stop + 1), mark:byte(9) >= 2
end

-- 'abcdefgh' -> {'abcd', 'efgh'}
local function split_fields(text)
  local fields = {}
  for at = 1, #text - 3, 4 do fields[#fields + 1] = text:sub(at, at + 3) end
  return fields
end
