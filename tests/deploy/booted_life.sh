#!/usr/bin/env bash
# The life of the service in a booted system, for systemd_test.sh: installed, activated by its socket,
# reloaded, restarted, upgraded, frozen, stopped. The network is the container's own.
# shellcheck disable=SC2154  # here, top, build and work are the test's

readonly service=ace-proxy.service
readonly units=(ace-proxy.socket ace-proxy.service)
readonly program=/usr/bin/ace-proxy
readonly settings=/etc/ace-proxy/ace-proxy.env
# Questions during a restart or an upgrade; none may be refused.
readonly asked_at_least=300

inside() {
  nsenter -t "$init" -m -u -i -n -p -r -w /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
show() { inside systemctl show -P "$1" "$service"; }
ask() {
  nsenter -t "$init" -n curl -fsS --max-time 10 -o /dev/null http://127.0.0.1:8000/healthz
}
workers() { inside pgrep -P "$(show MainPID)"; }
has_workers() { [[ $(workers | wc -l) -eq $1 ]]; }
is_gone() { ! inside kill -0 "$1" 2>/dev/null; }
is_active() { [[ $(show ActiveState) == active && $(show SubState) == running ]]; }
has_restarted() { [[ $(show NRestarts) -eq $1 ]] && is_active; }
journal_has() { inside journalctl -q -u "$service" --grep "$1" >/dev/null; }

# replaced COUNT OLD…: as many workers as are wanted serve, and none of the old ones is left.
replaced() {
  local now
  now=$(workers)
  [[ $(wc -l <<<"$now") -eq $1 ]] || return 1
  ! grep -qxF -f <(printf '%s\n' "${@:2}") <<<"$now"
}

all_are_served_during() {
  local running asked=0 refused=0
  "$@" &
  running=$!
  while ((asked < asked_at_least)) || kill -0 "$running" 2>/dev/null; do
    ask || ((++refused))
    ((++asked))
  done
  wait "$running" || return 1
  ((refused == 0)) || { echo "$refused of $asked were refused" && return 1; }
}

libraries() {
  # Those that dpkg knows under another path belong to every system.
  ldd "$build/ace-proxy" | awk '/=>/ { print $3 }' | xargs -n 1 readlink -f |
    xargs dpkg -S 2>/dev/null | cut -d: -f1 | sort -u
}

# The package, and a newer one.
make_packages() {
  local version
  build_package_files
  version=$(project_version)
  cp "$(package "$version")" "$1/root/first.deb"
  cp "$(package "$version.1")" "$1/root/second.deb"
}

power_off() {
  if [[ -n ${engine:-} ]]; then kill "$engine" 2>/dev/null || true; fi
  kill -KILL "$init" 2>/dev/null || true
  wait "$nspawn" 2>/dev/null || true
  rm -rf "$work"
}

boot() {
  local root="$work/root" packages tar
  mapfile -t packages < <(libraries)
  packages+=(systemd systemd-sysv dbus procps libnss-systemd)
  tar="$build/deploy/booted-$(md5sum <<<"${packages[*]}" | cut -c 1-8).tar"
  "$here/debian_root.sh" "$tar" "${packages[@]}"
  mkdir "$root"
  tar -xf "$tar" -C "$root" --exclude './dev/*'
  make_packages "$root"
  systemd-nspawn --quiet --boot --directory="$root" --machine="ace-proxy-$$" --register=no \
    --keep-unit --private-network --console=pipe --link-journal=no </dev/null \
    >"$work/boot.log" 2>&1 &
  nspawn=$!
  trap power_off EXIT
  eventually 30 has_init
  eventually 60 is_running || { tail "$work/boot.log" && return 1; }
}
has_init() { init=$(pgrep -P "$nspawn"); }
is_running() { [[ $(inside systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]; }

install_package() {
  inside env DEBIAN_FRONTEND=noninteractive dpkg -i "/root/$1.deb" >"$work/dpkg.log" 2>&1 ||
    { cat "$work/dpkg.log" && return 1; }
}

try_install() {
  check "the package is installed" install_package first
  check "which starts it" is_active
  check "and it serves" ask
  inside systemctl stop "$service"
  inside sh -c "echo PROXY_WORKERS=2 >>$settings"
}

# As deploy/README.md says it, on the running service, which holds the port.
enable_socket() {
  inside systemctl enable "${units[0]}" && inside systemctl stop "$service" &&
    inside systemctl start "${units[@]}"
}
# The socket that listens on port 8000 is one that systemd holds.
is_given_its_socket() {
  local inode
  # shellcheck disable=SC2016  # awk's fields
  inode=$(inside awk '$2 ~ /:1F40$/ && $4 == "0A" { print $10 }' /proc/net/tcp)
  [[ -n $inode ]] && inside sh -c 'ls -l /proc/1/fd' | grep -qF "socket:[$inode]"
}
try_socket_of_running() {
  inside systemctl start "$service"
  refuse "systemd does not start the socket of a running service" \
    inside systemctl enable --now "${units[0]}"
  refuse "which listens by itself" is_given_its_socket
  inside systemctl disable "${units[0]}"
  check "the socket is enabled in the order of the README" enable_socket
  check "the socket is active" inside systemctl is-active "${units[0]}"
  check "the service listens on it" is_given_its_socket
  check "and serves" eventually 10 ask
  inside systemctl disable "${units[0]}"
  inside systemctl stop "${units[@]}"
}

try_start() {
  check "it starts" inside systemctl start "${units[@]}"
  check "it is active" is_active
  check "it has its workers" has_workers 2
  check "it serves on systemd's socket" ask
  check "it tells where" equal "$(show StatusText)" "serving on 0.0.0.0:8000"
  check "it does not run as root" equal "$(inside ps -o user= -p "$(show MainPID)")" ace-proxy
}

try_hung_worker() {
  local victim before
  before=$(show MainPID)
  victim=$(workers | sed -n 1p)
  inside kill -STOP "$victim"
  check "who does not move is killed" eventually 20 is_gone "$victim"
  check "and replaced" eventually 10 has_workers 2
  check "by the supervisor, which goes on" equal "$(show MainPID)" "$before"
  check "nothing was restarted" equal "$(show NRestarts)" 0
}

try_reload() {
  local before old
  before=$(show MainPID)
  mapfile -t old < <(workers)
  inside sed -i 's/^PROXY_WORKERS=.*/PROXY_WORKERS=3/' "$settings"
  check "it reloads" inside systemctl reload "$service"
  check "its workers have the new settings" eventually 20 replaced 3 "${old[@]}"
  check "it is the same process" equal "$(show MainPID)" "$before"
  check "it is active again" eventually 10 is_active
}

try_bad_reload() {
  local before old
  before=$(show MainPID)
  old=$(workers)
  inside sh -c "echo PROXY_GRACE_PERIOD=nonsense >>$settings"
  refuse "wrong settings make a reload fail" inside systemctl reload "$service"
  check "the journal says why" journal_has PROXY_GRACE_PERIOD
  check "the service goes on" is_active
  check "as the same process" equal "$(show MainPID)" "$before"
  check "with its workers" equal "$(workers)" "$old"
  inside sed -i '/^PROXY_GRACE_PERIOD=/d' "$settings"
}

restart() { inside systemctl restart "$service"; }
try_restart() {
  local before
  before=$(show MainPID)
  check "nobody is refused by a restart" all_are_served_during restart
  refuse "it is another process" equal "$(show MainPID)" "$before"
}

# upgrade COUNT OLD…: by the package, which asks for it.
upgrade() {
  install_package second
  eventually 30 replaced "$@"
}
try_upgrade() {
  local before old
  before=$(show MainPID)
  mapfile -t old < <(workers)
  check "nobody is refused by an upgrade" all_are_served_during upgrade 3 "${old[@]}"
  check "it is the same process" equal "$(show MainPID)" "$before"
  check "which runs the new file" equal "$(inside readlink "/proc/$before/exe")" "$program"
  check "systemd knows that it is over" eventually 10 is_active
}

try_bad_upgrade() {
  local before old
  before=$(show MainPID)
  old=$(workers)
  inside mv "$program" "$program.good"
  inside cp /bin/false "$program"
  inside systemctl kill -s USR2 --kill-whom=main "$service"
  check "a program that fails is refused" eventually 20 journal_has upgrade_refused
  check "the old one goes on" equal "$(show MainPID)" "$before"
  check "with its workers" equal "$(workers)" "$old"
  check "systemd knows that it is over" eventually 10 is_active
  check "and serves" ask
  inside mv "$program.good" "$program"
}

try_hung_supervisor() {
  inside kill -STOP "$(show MainPID)"
  check "a supervisor that does not move is replaced" eventually 60 has_restarted 1
  check "and serves" ask
  inside kill -KILL "$(show MainPID)"
  check "a killed one, too" eventually 30 has_restarted 2
  check "and serves" ask
  check "with its workers alone" eventually 20 only_its_own_are_left
}
only_its_own_are_left() {
  [[ $(inside pgrep -c -u ace-proxy) -eq 4 ]] && has_workers 3
}

start_engine() {
  nsenter -t "$init" -n "$build/ace-engine-sim" --engine 127.0.0.1:6878 >"$work/engine.log" 2>&1 &
  engine=$!
}
start_viewer() {
  nsenter -t "$init" -n curl -sSN -o "$work/media" \
    "http://127.0.0.1:8000/ace/getstream?id=0123456789abcdef0123456789abcdef01234567" &
  viewer=$!
}
media() { stat -c %s "$work/media" 2>/dev/null || echo 0; }
media_exceeds() { (($(media) > $1)); }
has_new_workers() { [[ $(workers | grep -cvxF -f <(printf '%s\n' "${@:2}")) -ge $1 ]]; }

# Last: it ends with a stop under way.
try_viewer() {
  local old ended=0
  start_engine
  start_viewer
  check "a viewer is served" eventually 20 media_exceeds 200000
  mapfile -t old < <(workers)
  inside systemctl kill -s USR2 --kill-whom=main "$service"
  check "an upgrade comes" eventually 30 has_new_workers 3 "${old[@]}"
  check "the viewer is served on" eventually 20 media_exceeds $(($(media) + 400000))
  check "it stops under the viewer" inside systemctl stop "${units[@]}"
  check "in order" equal "$(show Result)" success
  wait "$viewer" || ended=$?
  check "the viewer got a proper end" equal "$ended" 0
  kill "$engine"
}

try_stop() {
  check "it stops" inside systemctl stop "${units[@]}"
  check "in order" equal "$(show Result)" success
  refuse "it leaves no process" inside pgrep -u ace-proxy
  check "it starts without the socket, too" inside systemctl start "$service"
  check "and serves" ask
  check "and stops" inside systemctl stop "$service"
  check "in order" equal "$(show Result)" success
}

try_booted_life() {
  need_namespaces
  need_tools mmdebstrap systemd-nspawn nsenter curl
  need_mirror
  boot
  try_install
  try_socket_of_running
  try_start
  try_hung_worker
  try_reload
  try_bad_reload
  try_restart
  try_upgrade
  try_bad_upgrade
  try_hung_supervisor
  try_stop
  check "it starts once more" inside systemctl start "${units[@]}"
  try_viewer
  if ((failures > 0)); then inside journalctl -q -u "$service" | tail -n 100 >&2; fi
}
