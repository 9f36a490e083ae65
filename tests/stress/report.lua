-- The last line of a run, for ace-stress: what wrk counted, as JSON.
function report(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nreport {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,' ..
    '"failed":%d,"not_ok":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(99), errors.connect + errors.read + errors.write, errors.status))
end
