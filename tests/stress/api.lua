-- One page, asked for again and again on connections that are kept.
local here = debug.getinfo(1, "S").source:match("@(.*/)")
dofile(here .. "report.lua")

function done(summary, latency, requests) report(summary, latency) end
