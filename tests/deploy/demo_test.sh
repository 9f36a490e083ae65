#!/usr/bin/env bash
# start.sh --demo: where it prints its addresses. The programs are those of the build tree, so that
# nothing is installed or compiled.
#   demo_test.sh BUILD_TREE
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$1
readonly here top build
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$here/checks.sh"
# shellcheck source-path=SCRIPTDIR source=needs.sh
. "$here/needs.sh"

need_tools curl redis-cli
cmake --build "$build" --target ace-proxy ace-engine-sim >/dev/null
dir=$(mktemp -d)
readonly dir log="$dir/log"
proxy=
end() {
  if [[ -n $proxy ]]; then kill "$proxy" 2>/dev/null || true; fi
  rm -rf "$dir"
}
trap end EXIT

# A tree of sources that is built already.
mkdir -p "$dir/app/deploy" "$dir/app/build/release" "$dir/bin"
cp "$top/start.sh" "$dir/app/"
touch "$dir/app/CMakeLists.txt" "$dir/app/build/release/build.ninja"
echo ACE_BUILD_TESTS:BOOL=ON >"$dir/app/build/release/CMakeCache.txt"
for program in cmake ../app/deploy/install-deps.sh; do
  printf '#!/bin/sh\n' >"$dir/bin/$program"
  chmod +x "$dir/bin/$program"
done
ln -s "$build/ace-proxy" "$(find "$build" -name ace-engine-sim -type f)" "$dir/app/build/release/"

# 192.0.2.1 is nobody's address: no Redis is asked for or started.
start_demo() {
  PATH="$dir/bin:$PATH" REDIS_HOST=192.0.2.1 PROXY_WORKERS=1 setsid "$dir/app/start.sh" --demo "$@" \
    >"$log" 2>&1 &
  proxy=$!
}
line_of() { grep -nF -- "$1" "$log" | tail -n 1 | cut -d : -f 1; }
url() { grep -oE 'http://[^ ]*/ace/getstream\?id=[0-9a-f]{40}' "$log" | head -n 1; }
has_url() { [[ -n $(url) ]]; }
stop() {
  kill "$proxy"
  wait "$proxy" || true
  proxy=
}

start_demo --listen 127.0.0.1:0
check "it prints an address" eventually 30 has_url
check "below the proxy's own lines" test "$(line_of /ace/getstream)" -gt "$(line_of ' ready workers=')"
check "which is the one that was bound" curl -fsS --max-time 5 --head -o /dev/null "$(url)"
check "it says how to stop" grep -q Ctrl-C "$log"
stop

echo 127.0.0.1:1 >"$dir/ports"
start_demo --listen 127.0.0.1:0 --proxy-port-file "$dir/ports"
check "with a port file of the user's own, too" eventually 30 has_url
refuse "a port file of before is not believed" grep -q 127.0.0.1:1/ "$log"
stop

start_demo --listen 192.0.2.1:0
wait "$proxy" || true
proxy=
refuse "a proxy that does not start has no address" grep -q /ace/getstream "$log"
((failures == 0)) || cat "$log" >&2
summary
