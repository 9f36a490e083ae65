#!/usr/bin/env bash
# The container's health check: a worker answers where the proxy listens, which stands in the port
# file once all workers serve.
set -euo pipefail

read -r address <"$PROXY_PORT_FILE"
where=("http://$address/healthz")
if [[ $address == unix:* ]]; then
  where=(--unix-socket "${address#unix:}" http://localhost/healthz)
fi
exec curl -fsS --max-time 4 -o /dev/null "${where[@]}"
