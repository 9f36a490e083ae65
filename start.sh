#!/usr/bin/env bash
# Runs ace-proxy: sees to a Redis and becomes the proxy. Among its sources it installs what is missing
# and builds what has changed; elsewhere (in the container) it runs the ace-proxy that is installed.
# All flags but --demo are the proxy's (see --help).
#   ./start.sh [--demo] [flags]
# --demo: plays made-up channels on two engines of its own, which end with the proxy; sources only.
# A Redis that had to be started listens on loopback and on a unix socket of mode 700, which the proxy
# uses; it keeps nothing on disk, and is left running for the next start: `kill "$(cat PIDFILE)"` ends
# it (the path is printed). A container takes it along when it ends.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly top
readonly build="$top/build/release"
readonly demo_id=0123456789abcdef0123456789abcdef01234567

is_demo=no
flags=()
for word in "$@"; do
  if [[ "$word" == --demo ]]; then is_demo=yes; else flags+=("$word"); fi
done
readonly is_demo

# As a container's first process, which no signal ends by itself.
trap 'exit 143' TERM
trap 'exit 130' INT

say() { echo "start.sh: $*" >&2; }

configure() {
  local with_tests=OFF  # the demo's engines live among the tests
  [[ $is_demo == yes ]] && with_tests=ON
  if [[ -f $build/build.ninja ]]; then
    [[ $with_tests == OFF ]] && return
    grep -q '^ACE_BUILD_TESTS:BOOL=ON' "$build/CMakeCache.txt" && return
  fi
  (cd "$top" && cmake --preset release -D ACE_BUILD_TESTS="$with_tests")
}

build_proxy() {
  local targets=(ace-proxy) log
  [[ $is_demo == yes ]] && targets+=(ace-engine-sim)
  [[ -x $build/ace-proxy ]] || say "building, which takes some minutes the first time"
  log=$(mktemp)
  if ! { configure && cmake --build "$build" --target "${targets[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    say "the build failed"
    return 1
  fi
  rm -f "$log"
}

# The settings of the proxy, as it sees them itself: flags, environment and file.
setting() { sed -n "s/^$1 = \"\\(.*\\)\"  # .*/\\1/p" <<<"$settings"; }

redis_answers() {
  local where=(-h "$redis_host" -p "$redis_port")
  [[ -n $redis_socket ]] && where=(-s "$redis_socket")
  local answer
  answer=$(timeout 2 redis-cli "${where[@]}" ping 2>&1) || true
  # One that asks for a password is there all the same.
  [[ $answer == PONG || $answer == *NOAUTH* ]]
}

# A quarter of the machine's memory, or of what this container may use; at most 1 GiB.
redis_memory_kb() {
  local total file bytes
  total=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    bytes=$(cat "$file" 2>/dev/null) || continue
    # "max", or a figure beyond all memory, is no limit.
    if [[ $bytes =~ ^[0-9]{1,18}$ ]] && ((bytes / 1024 < total)); then total=$((bytes / 1024)); fi
  done
  echo $((total / 4 < 1048576 ? total / 4 : 1048576))
}

# A folder that no other user can write to or plant: what start.sh writes lies there. /tmp is everybody's,
# so a folder of that name is only used when it has the right owner and mode.
own_folder() {
  local parent=/tmp dir
  if [[ -n ${XDG_RUNTIME_DIR:-} && -O $XDG_RUNTIME_DIR ]]; then parent=$XDG_RUNTIME_DIR; fi
  dir="$parent/ace-proxy-redis-$EUID"
  mkdir -m 700 "$dir" 2>/dev/null || true
  if [[ $(stat -c '%F %u %a' "$dir" 2>/dev/null) == "directory $EUID 700" ]]; then
    echo "$dir"
  else
    say "$dir is not a folder of this user with mode 700: it is not used"
  fi
}

redis_bind() { if [[ $redis_host == ::1 ]]; then echo ::1; else echo 127.0.0.1; fi; }

# Nothing is evicted: a chunk that finds no room is refused and played from memory, while an evicted
# owner key would be taken for a dead owner.
start_redis() {
  local where name pidfile
  if [[ -z $folder ]]; then
    folder=$(mktemp -d)
    own_socket="$folder/redis.sock"
  fi
  if [[ -n $redis_socket ]]; then
    where=(--port 0 --unixsocket "$redis_socket")
    name="${redis_socket//\//_}"
  else
    where=(--bind "$(redis_bind)" --port "$redis_port" --unixsocket "$own_socket")
    name="$redis_port"
  fi
  pidfile="$folder/$name.pid"
  redis-server "${where[@]}" --unixsocketperm 700 --daemonize yes --pidfile "$pidfile" --dir "$folder" \
    --logfile "$folder/redis.log" --save '' --appendonly no \
    --maxmemory "$(redis_memory_kb)kb" --maxmemory-policy noeviction >/dev/null
  say "started a Redis (pid file $pidfile)"
}

# A Redis that this script started, now or earlier, has a socket beside its port; the proxy uses it.
# Not beside REDIS_URL: of the two the proxy would ask for one to be left out.
use_own_socket() {
  [[ -z $redis_socket && -z ${REDIS_URL:-} && -S $own_socket ]] || return 0
  redis_socket=$own_socket
  if redis_answers; then export REDIS_SOCKET=$own_socket; fi
}

see_to_redis() {
  redis_host=$(setting REDIS_HOST)
  redis_port=$(setting REDIS_PORT)
  redis_socket=$(setting REDIS_SOCKET)
  case "$redis_socket:$redis_host" in
    /*:* | :127.0.0.1 | :localhost | :::1) ;;
    *)
      redis_answers ||
        say "Redis at $redis_host:$redis_port does not answer: streams are served from memory until it does"
      return
      ;;
  esac
  folder=$(own_folder)
  own_socket="$folder/$(redis_bind):$redis_port.sock"
  if redis_answers; then use_own_socket && return; fi
  if [[ -n $(setting REDIS_PASSWORD) ]]; then
    say "Redis does not answer, and one with a password is not started here: going on without it"
    return
  fi
  start_redis
  local attempt
  for attempt in {1..100}; do
    if redis_answers; then use_own_socket && return; fi
    sleep 0.1
  done
  say "Redis did not come up after $attempt attempts: going on without it"
}

# The engines' standard input is a pipe whose other end the proxy inherits: when it ends, however
# it ends, they end. A session of their own: Ctrl-C is for the proxy, which stops them politely.
start_demo_engines() {
  local dir ports
  dir=$(mktemp -d)
  ports="$dir/engines"
  exec 9> >(exec setsid "$build/ace-engine-sim" --engine 127.0.0.1:0 --engine 127.0.0.1:0 \
    --port-file "$ports" --exit-on-stdin-eof)
  for _ in {1..100}; do
    [[ -s $ports ]] && break
    sleep 0.1
  done
  if [[ ! -s $ports ]]; then
    rm -rf "$dir"
    say "the demo's engines did not start"
    return 1
  fi
  ACE_ENGINES=$(paste -sd, "$ports")
  export ACE_ENGINES
  rm -rf "$dir"
}

# The address at which other devices reach this machine, if there is one.
lan_address() { hostname -I 2>/dev/null | tr ' ' '\n' | grep -v : | head -n 1; }

print_demo_urls() {
  local listen=$1 port host path="/ace/getstream?id=$demo_id" lan=''
  port=${listen##*:}
  host=${listen%:*}
  if [[ $host == 0.0.0.0 || $host == '[::]' ]]; then
    host=127.0.0.1
    lan=$(lan_address) || true
  fi
  echo
  echo "  The demo runs. Open this address in VLC (Media, Open Network Stream):"
  echo "      http://$host:$port$path"
  [[ -n $lan ]] && echo "  On other devices of your network:" && echo "      http://$lan:$port$path"
  echo "  Who watches what: http://$host:$port/streams"
  echo "  To stop: Ctrl-C"
  echo
}

# The proxy logs its start after this script has become the proxy. So a child waits until every
# worker is ready, when the proxy writes its port file, and prints the addresses below those lines.
announce_demo() {
  local dir ports proxy=$$
  dir=$(mktemp -d)
  touch "$dir/start"
  ports=$(setting PROXY_PORT_FILE)
  export PROXY_PORT_FILE=${ports:-$dir/ports}
  {
    exec 9>&-  # the engines end with the proxy, not with this child
    # A port file that an earlier proxy left behind is older.
    until [[ -s $PROXY_PORT_FILE && $PROXY_PORT_FILE -nt $dir/start ]]; do
      kill -0 "$proxy" 2>/dev/null || break
      sleep 0.1
    done
    ports=$(grep -v '^unix:' "$PROXY_PORT_FILE" 2>/dev/null | head -n 1) || true
    rm -rf "$dir"
    sleep 0.3  # the last lines of the start
    if [[ -n $ports ]]; then print_demo_urls "$ports" >&2; fi
  } &
}

if [[ -f $top/CMakeLists.txt ]]; then
  sets=(build run)
  [[ $is_demo == yes ]] && sets+=(demo)
  "$top/deploy/install-deps.sh" "${sets[@]}"
  build_proxy
  proxy="$build/ace-proxy"
elif [[ $is_demo == yes ]]; then
  say "the demo needs the sources, and they are not here"
  exit 1
else
  proxy=$(command -v ace-proxy) || { say "ace-proxy is not installed" && exit 1; }
fi

for word in "${flags[@]}"; do
  case "$word" in
    -h | --help | --help-all | -V | --version | --print-config | --print-env-file | --check-config)
      exec "$proxy" "${flags[@]}"
      ;;
  esac
done
# A wrong setting is refused here, before anything was started.
settings=$("$proxy" "${flags[@]}" --print-config)
see_to_redis
if [[ $is_demo == yes ]]; then
  start_demo_engines
  announce_demo
fi
exec "$proxy" "${flags[@]}"
