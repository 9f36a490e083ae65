#!/usr/bin/env bash
# The sources in Debian 13, on a host that runs another release.
#   debian13_test.sh BUILD_TREE compile    warnings are errors and there is no prelude; unit tests
#   debian13_test.sh BUILD_TREE all        tests/run.sh, the package, start.sh --demo
# Only with ACE_LONG=1, and as root. The system, with what deploy/install-deps.sh installs there, and the compiler's cache are
# kept in ${XDG_CACHE_HOME:-~/.cache}/ace-proxy, and made when they are missing.
# shellcheck disable=SC2016  # what stands in single quotes is for another shell
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$1
readonly here top build part=$2 release=trixie
readonly cache="${XDG_CACHE_HOME:-$HOME/.cache}/ace-proxy"
readonly system="$cache/debian-13"
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$here/checks.sh"
# shellcheck source-path=SCRIPTDIR source=needs.sh
. "$here/needs.sh"

# in_system SYSTEM SHELL_SCRIPT [unshare's flags]: with the sources under /src, their build trees under
# /src/build and the compiler's cache; mounts and processes end with the script. What it writes elsewhere
# is kept in $changes, if that is set.
in_system() {
  mkdir -p "$top/build" "$build/deploy/debian-13" "$cache/ccache"
  unshare --mount --pid --fork --kill-child "${@:3}" sh -ec '
    root=$0
    if [ -n "$2" ]; then
      mkdir -p "$2/upper" "$2/work" "$2/root"
      mount -t overlay -o "lowerdir=$root,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
      root=$2/root
    fi
    mkdir -p "$root/src" "$root/ccache"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    mount -t tmpfs tmpfs "$root/tmp"
    mount --bind "$3" "$root/src"
    mount --bind "$4" "$root/src/build"
    mount -o remount,bind,ro "$root/src"
    mount --bind "$5" "$root/ccache"
    exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive CCACHE_DIR=/ccache CCACHE_BASEDIR=/src CCACHE_DEPEND=1 CCACHE_NOHASHDIR=1 \
      bash -euo pipefail -c "cd /src && $1"' "$1" "$2" "${changes:-}" "$top" \
    "$build/deploy/debian-13" "$cache/ccache"
}

# Another checkout may make or use it at the same time.
need_system() {
  local wanted unfinished="$system.$$"
  wanted=$(md5sum <"$top/deploy/install-deps.sh")
  mkdir -p "$cache"
  exec 8>"$cache/lock"
  flock 8
  if [[ $(cat "$system/made-for" 2>/dev/null) != "$wanted" ]]; then
    need_mirror
    rm -rf "$system" "$system".*
    "$here/debian_root.sh" --release "$release" "$unfinished.tar"
    mkdir "$unfinished"
    tar -xf "$unfinished.tar" -C "$unfinished" --exclude './dev/*'
    cp /etc/resolv.conf "$unfinished/etc/resolv.conf"
    check "install-deps.sh finds everything there" in_system "$unfinished" 'deploy/install-deps.sh build demo run'
    ((failures == 0)) || { summary || exit 1; }
    echo "$wanted" >"$unfinished/made-for"
    mv "$unfinished" "$system"
    rm "$unfinished.tar"
  fi
  flock --shared 8
}

try_compile() {
  need_system
  check "it compiles without a warning" in_system "$system" '
    cmake -S . -B build/plain -G Ninja -D CMAKE_BUILD_TYPE=Debug -D ACE_WERROR=ON >/dev/null
    nice ninja -C build/plain -j 2 --quiet ace-proxy tests/unit/all'
  ((failures == 0)) || return 0
  check "its unit tests pass" in_system "$system" '
    nice ctest --test-dir build/plain -L "^unit$" -j 2 --no-tests=error --output-on-failure'
}

try_all() {
  changes=$(mktemp -d "$build/debian-13.XXXXXX")
  trap 'rm -rf "$changes"' EXIT
  need_system
  check "tests/run.sh passes" in_system "$system" 'tests/run.sh'
  check "the package builds without a warning" in_system "$system" '
    cmake --preset release -D ACE_BUILD_TESTS=ON -D ACE_WERROR=ON >/dev/null
    nice cmake --build --preset release -j 2 --target ace-proxy ace-engine-sim package_files -- --quiet
    cd build/release && cpack -G DEB -B /package'
  check "apt installs it" in_system "$system" '
    apt-get install -y -qq --no-install-recommends systemd-standalone-sysusers /package/ace-proxy_*.deb
    ace-proxy --check-config'
  check "the demo plays" in_system "$system" '
    ip link set lo up
    ./start.sh --demo >/tmp/demo.log 2>&1 &
    id=0123456789abcdef0123456789abcdef01234567
    for attempt in {1..60}; do
      got=$(curl -sS --max-time 20 "http://127.0.0.1:8000/ace/getstream?id=$id" | head -c 300000 | wc -c) || true
      [[ $got -lt 300000 ]] || exit 0
      sleep 1
    done
    cat /tmp/demo.log
    exit 1' --net
}

# shellcheck source=/dev/null
. /etc/os-release
[[ ${ID:-} != debian || ${VERSION_ID:-0} -lt 13 ]] || skip "this machine runs Debian $VERSION_ID itself"
[[ ${ACE_LONG:-0} != 0 ]] || skip "this takes long (ACE_LONG=1)"
if [[ -n ${ACE_REQUIRE_TOOLS:-} ]]; then check "mmdebstrap is installed" command -v mmdebstrap; fi
need_tools mmdebstrap
need_namespaces
"try_$part"
summary
