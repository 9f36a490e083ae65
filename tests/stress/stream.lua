-- Streams without an end: each connection asks once for the next of the targets that follow "--".
-- wrk counts the bytes; a request it never sees the end of.
local here = debug.getinfo(1, "S").source:match("@(.*/)")
dofile(here .. "report.lua")

local targets = {}
local asked = 0

function init(args)
  for _, target in ipairs(args) do targets[#targets + 1] = target end
end

function request()
  asked = asked + 1
  return wrk.format("GET", targets[(asked - 1) % #targets + 1])
end

function done(summary, latency, requests) report(summary, latency) end
