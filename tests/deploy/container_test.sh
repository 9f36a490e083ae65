#!/usr/bin/env bash
# The container: built from deploy/Dockerfile, with its own Redis and with another one, under the
# restrictions of deploy/compose.yaml; made-up engines beside it, found by name.
#   container_test.sh BUILD_TREE          only with ACE_LONG=1, as root
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=containers.sh
. "$(dirname "${BASH_SOURCE[0]}")/containers.sh"

readonly id=0123456789abcdef0123456789abcdef01234567

# run NAME FLAG… : in the network of all, as the compose file does it.
run() {
  local name=$1
  shift
  # Without systemd, podman complains that it cannot run health checks by itself.
  podman run --detach --name "$name" --network ace --read-only --tmpfs /tmp --cap-drop ALL \
    --security-opt no-new-privileges --ulimit nofile=16384:16384 --ulimit nproc=4096:4096 "$@" \
    >"$work/run.log" 2>&1 || { cat "$work/run.log" >&2 && exit 1; }
}

run_engines() {
  local name
  for name in engine-1 engine-2; do
    run "$name" --network-alias engine "$demo_image" --source numbered
  done
}

# run_proxy NAME FLAG…; $port is then where it listens on the host.
run_proxy() {
  local name=$1
  run "$@" --env ACE_ENGINES=dns://engine:6878 --publish 127.0.0.1::8000 "$image"
  port=$(podman port "$name" 8000/tcp)
  port=${port##*:}
  check "$name gets healthy" is_soon_healthy "$name"
}

is_soon_healthy() {
  eventually 60 podman healthcheck run "$1" >/dev/null 2>&1 && return
  podman logs "$1"
  return 1
}

inside() {
  local name=$1
  shift
  podman exec "$name" "$@"
}
processes() { inside "$1" sh -c 'cat /proc/[0-9]*/comm' | sort -u; }
runs() { processes "$1" | grep -qx "$2"; }
finds() { inside "$1" sh -c "command -v $2"; }

# Three seconds of the stream.
plays() {
  local file="$work/media"
  curl -sS --max-time 3 -o "$file" "http://127.0.0.1:$port/ace/getstream?id=$id" 2>/dev/null || true
  (($(stat -c %s "$file") > 188000)) && [[ $(head -c 1 "$file") == G ]]
}
owner_in() { equal "$(inside "$1" redis-cli exists "ace_proxy:stream:$id:owner")" 1; }

check_image() {
  local tool
  check "it is nobody important" equal "$(podman image inspect --format '{{.User}}' "$image")" 6878:6878
  for tool in g++ cc cmake ninja ccache; do refuse "there is no $tool in it" finds bundled "$tool"; done
  refuse "there are no headers in it" inside bundled sh -c "dpkg-query -W -f '\${Package}\n' | grep -e '-dev\$'"
}

check_bundled() {
  run_proxy bundled
  check "its first process is the proxy" equal "$(inside bundled cat /proc/1/comm)" ace-proxy
  check "its user" equal "$(inside bundled stat -c %u:%g /proc/1)" 6878:6878
  check "its Redis runs" equal "$(inside bundled redis-cli ping)" PONG
  check "it plays" eventually 30 plays
  check "its Redis is used" owner_in bundled
  refuse "who listens nowhere is not healthy" \
    podman exec --env PROXY_PORT_FILE=/tmp/nowhere bundled /app/container_health.sh
}

# A viewer is there when it is stopped: its answer must end as it should.
check_stop() {
  local began viewer ended=0
  curl -sS --max-time 60 -o "$work/last" "http://127.0.0.1:$port/ace/getstream?id=$id" &
  viewer=$!
  check "the last viewer is served" eventually 20 test -s "$work/last"
  began=$SECONDS
  podman stop --time 15 bundled >/dev/null 2>&1
  check "it stops within 10 seconds" test $((SECONDS - began)) -le 10
  check "it stops well" equal "$(podman inspect --format '{{.State.ExitCode}}' bundled)" 0
  wait "$viewer" || ended=$?
  check "the last viewer's answer ends as it should" equal "$ended" 0
}

check_external() {
  run redis --network-alias redis --entrypoint redis-server "$image" --bind '*' \
    --protected-mode no --save '' --appendonly no
  check "the other Redis answers" eventually 20 inside redis redis-cli ping
  run_proxy external --env REDIS_HOST=redis
  refuse "no Redis of its own is started" runs external redis-server
  check "it plays with another Redis" eventually 30 plays
  check "the other Redis is used" owner_in redis
}

# As it is without flags.
check_demo() {
  run picture "$demo_image"
  check "the demo's channels are real films" eventually 30 shows picture "aac h264"
}
shows() {
  local url="http://127.0.0.1:6878/ace/getstream?id=$id" codecs
  codecs=$(inside "$1" timeout 20 ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "$url" 2>/dev/null)
  [[ $(tr -d , <<<"$codecs" | sort -u | xargs) == "$2" ]]
}

try_containers() {
  podman network create ace >/dev/null
  run_engines
  check_bundled
  check_image
  check_stop
  check_external
  check_demo
}

run_apart try_containers
