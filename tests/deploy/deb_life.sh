#!/usr/bin/env bash
# The life of the package in a minimal Debian, for deb_test.sh: installed, upgraded while it serves,
# removed, purged. Nothing is booted there; a stand-in for systemctl writes down what it is asked.
# shellcheck disable=SC2154  # here, build, work and version are the test's
# shellcheck disable=SC2016  # what stands in single quotes is for another shell

# inside COMMAND…: in the system under $root, with mounts and processes of its own, all of which end
# with the command.
inside() {
  unshare --mount --pid --fork --kill-child sh -ec '
    mount -t proc proc "$0/proc"
    mount --bind /dev "$0/dev"
    exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive "$@"' "$root" "$@"
}

quietly() {
  if ! "$@" >"$work/quiet.log" 2>&1; then
    cat "$work/quiet.log"
    return 1
  fi
}

owner_inside() { inside stat -c '%a %U:%G' "$1"; }
left_behind() { (cd "$root" && find . -xdev -iname '*ace?proxy*' ! -path './proc/*' | sort); }

# A running service for the scripts to find, and whoever tells it something.
pretend_systemd() {
  mkdir -p "$root/run/systemd/system"
  cat >"$root/usr/bin/systemctl" <<'SCRIPT'
#!/bin/sh
echo "$*" >>/systemctl.log
case "$*" in *is-enabled*) echo enabled ;; esac
SCRIPT
  chmod 755 "$root/usr/bin/systemctl"
}
told() { grep -qxE -- "$1" "$root/systemctl.log"; }

serves() {
  local address
  address=$(cat "$root/tmp/addresses" 2>/dev/null) && [[ -n $address ]] &&
    curl -fsS --max-time 5 -o /dev/null "http://$address/healthz"
}

start_service() {
  # As the unit does: its user, its settings. It ends when this script does, however.
  chroot "$root" setpriv --reuid ace-proxy --regid ace-proxy --clear-groups --pdeathsig KILL \
    /usr/bin/env -i PROXY_LISTEN=127.0.0.1:0 PROXY_PORT_FILE=/tmp/addresses PROXY_WORKERS=2 \
    /usr/bin/ace-proxy --config /etc/ace-proxy/ace-proxy.env >"$work/service.log" 2>&1 &
  service=$!
}

check_installed() {
  check "the user is there" quietly inside getent passwd ace-proxy
  check "the settings are the group's to read" equal \
    "$(owner_inside /etc/ace-proxy/ace-proxy.env)" "640 root:ace-proxy"
  check "the service is enabled" told '.* preset ace-proxy\.service'
  check "the service is started" told '.*start ace-proxy\.service'
  start_service
  check "it serves" eventually 30 serves
}

check_upgraded() {
  check "the new version is there" equal "$(inside dpkg-query -W -f '${Version}' ace-proxy)" "$1"
  check "the service goes on as the new program" told 'kill --kill-who=main --signal=USR2 ace-proxy\.service'
  refuse "an upgrade restarts nothing" told '.*(stop|restart|start) .*'
  check "it serves all the while" serves
  check "changed settings stay" grep -qx 'PROXY_GRACE_PERIOD=7s' \
    "$root/etc/ace-proxy/ace-proxy.env"
  check "their owner stays" equal "$(owner_inside /etc/ace-proxy/ace-proxy.env)" "600 ace-proxy:root"
}

# try_life DEB NEWER
try_life() {
  local base="$build/deploy/debian.tar"
  need_namespaces
  need_tools mmdebstrap setpriv curl
  need_mirror
  "$here/debian_root.sh" "$base"
  root="$work/root"
  mkdir "$root"
  tar -xf "$base" -C "$root" --exclude './dev/*'
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  cp "$1" "$root/tmp/first.deb"
  cp "$2" "$root/tmp/second.deb"
  check "apt finds what it depends on" quietly inside sh -c \
    'apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd-standalone-sysusers'
  pretend_systemd
  check "apt installs it" quietly inside \
    apt-get install -y -qq --no-install-recommends /tmp/first.deb
  check_installed
  echo PROXY_GRACE_PERIOD=7s >>"$root/etc/ace-proxy/ace-proxy.env"
  inside sh -c 'chown ace-proxy:root /etc/ace-proxy/ace-proxy.env; chmod 600 /etc/ace-proxy/ace-proxy.env'
  : >"$root/systemctl.log"
  check "apt upgrades it" quietly inside \
    apt-get install -y -qq -o Dpkg::Options::=--force-confold /tmp/second.deb
  check_upgraded "$version.1"
  kill -TERM "$service"
  local ended=0
  wait "$service" || ended=$?
  check "the service ends well" equal "$ended" 0
  check "apt removes it" quietly inside apt-get remove -y -qq ace-proxy
  check "removing stops the service" told '.*stop .*ace-proxy\.service'
  check "removing keeps the settings" test -f "$root/etc/ace-proxy/ace-proxy.env"
  check "apt purges it" quietly inside apt-get purge -y -qq ace-proxy
  check "purging leaves nothing behind" equal "$(left_behind)" ""
  check "but for the user" quietly inside getent passwd ace-proxy
}
