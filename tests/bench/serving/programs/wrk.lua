-- Requests from a folder of bodies, in turn; what was found as one line of JSON.
local count = tonumber(os.getenv("COUNT"))
local requests, turn = {}, 0

function init(arguments)
  local headers = {}
  for line in io.lines(os.getenv("BODIES") .. "/headers") do
    local name, value = line:match("^(.-): (.*)$")
    headers[name] = value
  end
  for number = 0, count - 1 do
    local file = io.open(os.getenv("BODIES") .. "/" .. number, "rb")
    requests[number] = wrk.format("POST", os.getenv("TARGET"), headers, file:read("*a"))
    file:close()
  end
end

function request()
  turn = (turn + 1) % count
  return requests[turn]
end

function done(summary, latency, all)
  local e = summary.errors
  io.write(string.format('{"answers": %d, "seconds": %f, "failed": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
