#!/usr/bin/env bash
# start.sh and the Redis that it starts, as in the container: with an ace-proxy that is installed.
#   start_test.sh BUILD_TREE
# It takes root: other users' files in a /tmp of its own, and a network where the usual ports are free.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$1
readonly here top build
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$here/checks.sh"
# shellcheck source-path=SCRIPTDIR source=needs.sh
. "$here/needs.sh"

[[ $build != /tmp/* ]] || skip "the build tree lies in /tmp"
# Everything below runs in namespaces of its own, and ends with them.
if [[ -z ${ACE_IN_NAMESPACES:-} ]]; then
  need_namespaces
  need_tools redis-server redis-cli curl ip setpriv
  cmake --build "$build" --target ace-proxy >/dev/null
  exec env ACE_IN_NAMESPACES=1 unshare --mount --pid --net --fork --kill-child --mount-proc "$0" "$build"
fi
ip link set lo up
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir /tmp/app
cp "$top/start.sh" /tmp/app/
unset XDG_RUNTIME_DIR
readonly folder=/tmp/ace-proxy-redis-0

start() {
  rm -f /tmp/app/addresses
  PATH="$build:$PATH" PROXY_LISTEN=127.0.0.1:0 PROXY_PORT_FILE=/tmp/app/addresses PROXY_WORKERS=1 \
    ACE_ENGINES=127.0.0.1:9 "$@" /tmp/app/start.sh >/tmp/app/log 2>&1 &
  proxy=$!
}
is_ready() { [[ -s /tmp/app/addresses ]]; }
stop() {
  kill "$proxy"
  wait "$proxy" || true
}
stop_redis() {
  redis-cli shutdown nosave
  eventually 10 fails redis-cli ping 2>/dev/null
}
redis_socket() { redis-cli config get unixsocket | sed -n 2p; }
# Whoever is connected, but for the one who asks.
connections() { redis-cli client list | grep -v ' cmd=client'; }
only_by_socket() {
  connections | grep -q ' flags=[A-Za-z]*U' && fails grep -qv ' flags=[A-Za-z]*U' <(connections)
}
belongs_to_us() { equal "$(stat -c '%F %u %a' "$(redis_socket)" "$(dirname "$(redis_socket)")")" \
  "socket 0 700
directory 0 700"; }

# What was started, whatever lay in the way.
check_started() {
  check "it starts" eventually 30 is_ready
  check "its Redis answers where redis-cli asks" equal "$(redis-cli ping)" PONG
  check "and at a socket of this user alone" belongs_to_us
  check "which the proxy uses" eventually 10 only_by_socket
}

try_planted() {
  echo precious >/tmp/app/precious
  "$@"
  start env
  check_started
  check "what somebody planted is not written through" equal "$(cat /tmp/app/precious)" precious
  check "its folder is not used" grep -qF "$folder is not a folder of this user" /tmp/app/log
  stop
  stop_redis
  rm -rf "$folder"
}
plant_folder() {
  mkdir -m 777 "$folder"
  ln -s /tmp/app/precious "$folder/6379.pid"
  ln -s /tmp/app/precious "$folder/redis.log"
  chown 65534 "$folder"
}
plant_link() {
  mkdir -m 700 /tmp/elsewhere
  ln -s /tmp/elsewhere "$folder"
}
plant_open_folder() { mkdir -m 777 "$folder"; }

try_again() {
  start env
  check_started
  stop
  start env
  check_started
  refuse "a Redis that runs is not started again" grep -q "started a Redis" /tmp/app/log
  check "its files lie in the user's own folder" equal "$(dirname "$(redis_socket)")" "$folder"
  stop
}

try_url() {
  start env REDIS_URL=redis://127.0.0.1:6379/0
  check "it starts with REDIS_URL" eventually 30 is_ready
  stop
}

# A runtime folder that the caller's user left in the environment (sudo) is that user's.
try_foreign_runtime_folder() {
  stop_redis
  mkdir -m 700 /tmp/runtime
  chown 65534 /tmp/runtime
  start env XDG_RUNTIME_DIR=/tmp/runtime
  check_started
  check "nothing is put into another user's folder" equal "$(ls /tmp/runtime)" ""
  stop
}

try_planted plant_folder
try_planted plant_link
try_planted plant_open_folder
try_again
try_url
try_foreign_runtime_folder
((failures == 0)) || cat /tmp/app/log >&2
summary
