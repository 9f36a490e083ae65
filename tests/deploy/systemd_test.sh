#!/usr/bin/env bash
# The units: what systemd thinks of them, and, at length, the service's life under it.
#   systemd_test.sh BUILD_TREE
# With ACE_LONG=1 (as root) a minimal Debian is booted in a container and gets the package, and later a
# newer one. That system is made of the host's apt sources once, and kept in the build tree.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$1
readonly here top build
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$here/checks.sh"
# shellcheck source-path=SCRIPTDIR source=needs.sh
. "$here/needs.sh"
# shellcheck source-path=SCRIPTDIR source=package.sh
. "$here/package.sh"

need_tools systemd-analyze
need_build
work=$(mktemp -d "$build/systemd-test.XXXXXX")
readonly work
trap 'rm -rf "$work"' EXIT

# It passes over what it does not know, and tells: silence is the test.
units_are_sound() {
  local root="$work/analyzed" units=usr/lib/systemd/system
  mkdir -p "$root/$units" "$root/usr/bin"
  ln -s usr/bin "$root/bin"
  ln -s usr/lib "$root/lib"
  cp -a /lib/systemd/system/. "$root/$units"
  install -m 755 /dev/null "$root/usr/bin/ace-proxy"
  install -m 755 /dev/null "$root/usr/bin/sh"
  cp "$top"/deploy/systemd/ace-proxy.{service,socket} "$root/$units"
  equal "$(systemd-analyze verify --man=no --root="$root" \
    "/$units/ace-proxy.service" "/$units/ace-proxy.socket" 2>&1)" ""
}

# 2.0 of 10, in tenths.
is_locked_in() {
  systemd-analyze security --no-pager --offline=yes --threshold=20 \
    "$top/deploy/systemd/ace-proxy.service"
}

check "the units are sound" units_are_sound
check "the service may do little besides its work" is_locked_in
if [[ ${ACE_LONG:-0} != 0 ]]; then
  # shellcheck source-path=SCRIPTDIR source=booted_life.sh
  . "$here/booted_life.sh"
  try_booted_life
fi
summary
