-- One thread of wrk: the bodies of the file BODIES, one a line, in turn. Tells what it saw in one line of JSON.
-- RATE: requests/s in all, each due at its own moment whatever the answers take; without it a connection sends the
-- next request when it has the answer to the last.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int clock, moment *now);
]]

local requests, sent, due = {}, 0, nil
local rate = tonumber(os.getenv("RATE") or "0")
local clock, now = 1, ffi.new("moment")

local function milliseconds()
  ffi.C.clock_gettime(clock, now)
  return tonumber(now.seconds) * 1e3 + tonumber(now.nanoseconds) / 1e6
end

function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  for body in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

if rate > 0 then
  function delay()
    local at = milliseconds()
    due = (due or at) + 1e3 / rate
    return math.max(0, math.floor(due - at))
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "longest_ms": %.4f, '
      .. '"refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
