#!/usr/bin/env bash
# The container: built from deploy/Dockerfile, with its own Redis and with another one, under the
# restrictions of deploy/compose.yaml; made-up engines beside it, found by name.
#   container_test.sh BUILD_TREE          only with ACE_LONG=1, as root
# Images, layers and the compiler's cache are kept in the build tree, apart from the host's own.
set -euo pipefail

skip() {
  echo "SKIPPED: $1"
  exit 77
}
[[ ${ACE_LONG:-0} != 0 ]] || skip "this takes minutes, ACE_LONG=1 runs it"
[[ $EUID -eq 0 ]] || skip "this takes root"
for tool in buildah podman runc iptables mmdebstrap curl; do
  command -v "$tool" >/dev/null || skip "$tool is missing (deploy/install-deps.sh deploy-test)"
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$1
work=$(mktemp -d)
readonly here top build work
readonly store="$build/deploy/containers"
# Where FROM debian:bookworm-slim looks before it asks anybody else.
readonly base=localhost/debian:bookworm-slim
readonly image=localhost/ace-proxy
readonly id=0123456789abcdef0123456789abcdef01234567
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$here/checks.sh"

pod() {
  podman --root "$store/images" --runroot "$store/run" --network-config-dir "$work/networks" \
    --runtime runc "$@"
}

clean_up() {
  pod rm --all --force --time 0 >/dev/null 2>&1 || true
  pod network rm --force ace >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

build_image() {
  local log="$work/build.log"
  mkdir -p "$store/images" "$store/run" "$build/deploy/ccache"
  if ! pod image exists "$base"; then
    "$here/debian_root.sh" "$build/deploy/debian.tar"
    pod import --quiet --change 'CMD ["bash"]' "$build/deploy/debian.tar" "$base" >"$log" 2>&1
  fi
  nice -n 5 buildah --root "$store/images" --runroot "$store/run" build --format docker \
    --isolation chroot --network host --layers --volume "$build/deploy/ccache:/root/.cache/ccache" \
    --file "$top/deploy/Dockerfile" --tag "$image" "$top" >>"$log" 2>&1 ||
    { tail -n 40 "$log" >&2 && exit 1; }
}

# run NAME FLAG… : in the network of all, as the compose file does it.
run() {
  local name=$1
  shift
  # Without systemd, podman complains that it cannot run health checks by itself.
  pod run --detach --name "$name" --network ace --read-only --tmpfs /tmp --cap-drop ALL \
    --security-opt no-new-privileges --ulimit nofile=16384:16384 --ulimit nproc=4096:4096 "$@" \
    >"$work/run.log" 2>&1 || { cat "$work/run.log" >&2 && exit 1; }
}

run_engines() {
  local name
  for name in engine-1 engine-2; do
    run "$name" --network-alias engine --entrypoint /sim \
      --volume "$build/ace-engine-sim:/sim:ro" "$image" --engine 0.0.0.0:6878 --source numbered
  done
}

# run_proxy NAME FLAG…; $port is then where it listens on the host.
run_proxy() {
  local name=$1
  run "$@" --env ACE_ENGINES=dns://engine:6878 --publish 127.0.0.1::8000 "$image"
  port=$(pod port "$name" 8000/tcp)
  port=${port##*:}
  check "$name gets healthy" eventually 60 pod healthcheck run "$name" || pod logs "$name" >&2
}

inside() {
  local name=$1
  shift
  pod exec "$name" "$@"
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
  check "it is nobody important" equal "$(pod image inspect --format '{{.User}}' "$image")" 6878:6878
  for tool in g++ cc cmake ninja ccache; do refuse "there is no $tool in it" finds bundled "$tool"; done
  refuse "there are no headers in it" inside bundled sh -c "dpkg-query -W -f '\${Package}\n' | grep -e '-dev\$'"
}

check_bundled() {
  run_proxy bundled
  check "its first process is the proxy" equal "$(inside bundled cat /proc/1/comm)" ace-proxy
  check "its user" equal "$(inside bundled stat -c %u:%g /proc/1)" 6878:6878
  check "its Redis runs" equal "$(inside bundled redis-cli ping)" PONG
  check "it plays" plays
  check "its Redis is used" owner_in bundled
  refuse "who listens nowhere is not healthy" \
    pod exec --env PROXY_PORT_FILE=/tmp/nowhere bundled /app/container_health.sh
}

# A viewer is there when it is stopped: its answer must end as it should.
check_stop() {
  local began viewer ended=0
  curl -sS --max-time 60 -o "$work/last" "http://127.0.0.1:$port/ace/getstream?id=$id" &
  viewer=$!
  check "the last viewer is served" eventually 20 test -s "$work/last"
  began=$SECONDS
  pod stop --time 15 bundled >/dev/null 2>&1
  check "it stops within 10 seconds" test $((SECONDS - began)) -le 10
  check "it stops well" equal "$(pod inspect --format '{{.State.ExitCode}}' bundled)" 0
  wait "$viewer" || ended=$?
  check "the last viewer's answer ends as it should" equal "$ended" 0
}

check_external() {
  run redis --network-alias redis --entrypoint redis-server "$image" --bind '*' \
    --protected-mode no --save '' --appendonly no
  check "the other Redis answers" eventually 20 inside redis redis-cli ping
  run_proxy external --env REDIS_HOST=redis
  refuse "no Redis of its own is started" runs external redis-server
  check "it plays with another Redis" plays
  check "the other Redis is used" owner_in redis
}

compose() {
  podman-compose --dry-run -f "$top/deploy/compose.yaml" up --no-build 2>&1
}

check_compose() {
  command -v podman-compose >/dev/null || return 0
  local plan service
  refuse "compose asks for an engine" compose
  plan=$(ACE_ENGINE_IMAGE=an-engine compose)
  for service in proxy redis engine; do
    check "compose has $service" grep -q "^podman create .*--network-alias $service " <<<"$plan"
  done
  check "compose finds engines by name" grep -q 'ACE_ENGINES=dns://engine:6878' <<<"$plan"
  # shellcheck disable=SC2016
  refuse "compose understands all of it" grep -qF '${' <<<"$plan"
}

check_compose
build_image
cmake --build "$build" --target ace-engine-sim >"$work/sim.log" || { cat "$work/sim.log" >&2 && exit 1; }
pod network create ace >/dev/null
run_engines
check_bundled
check_image
check_stop
check_external
summary
