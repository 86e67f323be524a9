-- Sends the requests of a prepared file one after the other: each is ten digits of length, then its bytes.
-- Arguments: the file, the byte to begin at, how many to take at most, and, where bodies are sent from elsewhere, the
-- file of the one body.
local requests, body = {}, ""
local place = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  file:seek("set", tonumber(args[2]))
  while #requests < tonumber(args[3]) do
    local length = file:read(10)
    if not length then break end
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
  if args[4] then
    file = assert(io.open(args[4], "rb"))
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
