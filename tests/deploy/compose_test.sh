#!/usr/bin/env bash
# deploy/compose.yaml with the demo's engines, brought up by docker-compose: engines found by their
# common name, streams spread over them, more engines while it runs, then fewer, one of them killed.
#   compose_test.sh BUILD_TREE            only with ACE_LONG=1, as root
# docker-compose talks to podman's imitation of Docker: no daemon is needed.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=containers.sh
. "$(dirname "${BASH_SOURCE[0]}")/containers.sh"
if [[ ${ACE_LONG:-0} != 0 ]]; then need_tools jq docker-compose; fi

readonly project=ace-proxy
readonly proxy=http://127.0.0.1:8000
declare -A viewers=()

compose() {
  docker-compose --project-name "$project" -f "$top/deploy/compose.yaml" \
    -f "$top/deploy/compose.demo.yaml" -f "$work/machine.yaml" "$@" </dev/null
}

# up ENGINES
up() { compose up --detach --no-build --scale "engine=$1"; }

# What a machine may not give, or have little of: limits to be raised, and cores to encode on.
write_machine() {
  cat >"$work/machine.yaml" <<'YAML'
services:
  proxy:
    ulimits:
      nofile: {soft: 16384, hard: 16384}
      nproc: {soft: 4096, hard: 4096}
  engine:
    command: [--source, numbered, --bitrate, "1000000"]
YAML
}

# What all the rest needs.
must() {
  check "$@"
  ((failures == 0)) || { show_why && summary; exit 1; }
}
show_why() {
  podman ps --all >&2
  podman logs "$(containers_of proxy)" 2>&1 | tail -n 60 >&2 || true
}

start_docker() {
  export DOCKER_HOST="unix://$work/docker.sock"
  podman system service --time 0 "$DOCKER_HOST" >"$work/docker.log" 2>&1 &
  must "podman plays Docker" eventually 30 test -S "$work/docker.sock"
}

containers_of() {
  podman ps --all --quiet --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.service=$1"
}

# Docker asks by itself how containers are, and podman has systemd's timers do it, which are not here.
ask_how_they_are() {
  local container
  while sleep 1; do
    for container in $(containers_of redis) $(containers_of proxy); do
      podman healthcheck run "$container" || true
    done
  done >/dev/null 2>&1
}

is_healthy() {
  [[ $(podman inspect --format '{{.State.Health.Status}}' "$(containers_of "$1")") == healthy ]]
}

# Those that play on though their name has gone are not listed.
engines() { curl -fsS --max-time 5 "$proxy/engines" | jq -c 'map(select(.listed))'; }
# sees COUNT: healthy engines, and no others.
sees() { [[ $(engines | jq -c 'map(.health)') == "$(jq -nc "[range($1) | \"healthy\"]")" ]]; }
# Streams on each engine, fewest first.
loads() { engines | jq -c 'map(.streams) | sort'; }

# watch FIRST LAST: one viewer of each of these streams.
watch() {
  local number
  for number in $(seq "$1" "$2"); do
    curl -sSN --max-time 600 -o "$work/media.$number" \
      "$proxy/ace/getstream?id=$(printf '%040x' "$number")" 2>"$work/viewer.$number.log" &
    viewers[$number]=$!
  done
}
media() { stat -c %s "$work/media.$1" 2>/dev/null || echo 0; }

is_there() { kill -0 "${viewers[$1]}" 2>/dev/null; }
# It is still the same answer, and this much of it has come; or nothing more will.
has_come() { ! is_there "$1" || (($(media "$1") > $2)); }
goes_on() {
  eventually 60 has_come "$1" "$2" || return
  is_there "$1" || { cat "$work/viewer.$1.log" && return 1; }
}

all_play_on() {
  local number
  local -A had=()
  for number in "${!viewers[@]}"; do had[$number]=$(media "$number"); done
  for number in "${!viewers[@]}"; do
    must "$1: viewer $number goes on" goes_on "$number" $((had[$number] + 188000))
  done
}

# The names of compose's networks; engines have one of their own.
finds_redis() { podman exec "$(containers_of "$1" | sed -n 1p)" getent hosts redis; }

check_up() {
  must "it comes up with 3 engines" up 3
  must "the proxy gets healthy" eventually 60 is_healthy proxy
  check "it finds the Redis" finds_redis proxy
  refuse "an engine does not" finds_redis engine
  must "all engines are found" eventually 30 sees 3
  watch 1 6
  all_play_on "6 streams on 3 engines"
  check "2 streams on each" equal "$(loads)" "[2,2,2]"
}

check_more_engines() {
  local before
  before=$(containers_of proxy)
  must "it comes up with 5 engines" up 5
  check "the proxy is the one it was" equal "$(containers_of proxy)" "$before"
  must "the new engines are found" eventually 60 sees 5
  watch 7 10
  all_play_on "10 streams on 5 engines"
  check "new streams go to new engines" equal "$(loads)" "[2,2,2,2,2]"
}

check_killed_engine() {
  local engine
  mapfile -t engine < <(containers_of engine)
  check "an engine is killed" podman rm --force --time 0 "${engine[0]}"
  all_play_on "an engine less"
  check "its name is forgotten" eventually 60 sees 4
  check "the others have its streams" total_is 10
}
total_is() { [[ $(engines | jq 'map(select(.health == "healthy").streams) | add') -eq $1 ]]; }

check_fewer_engines() {
  must "it goes down to 2 engines" up 2
  all_play_on "2 engines left"
  check "all streams are on those" eventually 60 total_is 10
}

check_down() {
  local number ended
  check "the proxy stops" compose stop proxy
  check "in order" equal "$(podman inspect --format '{{.State.ExitCode}}' "$(containers_of proxy)")" 0
  for number in "${!viewers[@]}"; do
    ended=0
    wait "${viewers[$number]}" || ended=$?
    check "viewer $number got a proper end" equal "$ended" 0
  done
  check "it goes down" compose down
  check "nothing is left of it" equal "$(podman ps --all --quiet)" ""
}

try_compose() {
  write_machine
  start_docker
  ask_how_they_are &
  check_up
  check_more_engines
  check_killed_engine
  check_fewer_engines
  check_down
  ((failures == 0)) || show_why
}

run_apart try_compose
