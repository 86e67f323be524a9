-- Sends the requests of a prepared file one after the other: each is ten digits of length, then its bytes.
-- Arguments: the file, where to begin, and, where bodies are sent from elsewhere, the file of the one body.
local requests, body = {}, ""
local place = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read(10)
    if not length then break end
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
  place = tonumber(args[2])
  if args[3] then
    file = assert(io.open(args[3], "rb"))
    body = file:read("*a")
    file:close()
  end
end

function request()
  place = place % #requests + 1
  if #body > 0 then return requests[place] .. body end
  return requests[place]
end

function done(summary, latency, _)
  local errors = summary.errors
  local sockets = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("measured %d %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
    errors.status, sockets, latency:percentile(50), latency:percentile(99)))
end
