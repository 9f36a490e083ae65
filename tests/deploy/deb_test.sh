#!/usr/bin/env bash
# The Debian package: what is in it, and, at length, its life in a system of its own.
#   deb_test.sh BUILD_TREE
# With ACE_LONG=1 (as root) it is installed in a minimal Debian, upgraded while it serves, removed
# and purged. That system is made of the host's apt sources once, and kept in the build tree.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$1
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$here/checks.sh"
# shellcheck source-path=SCRIPTDIR source=needs.sh
. "$here/needs.sh"
need_tools cpack dpkg-deb dpkg-shlibdeps file readelf gzip
need_build
work=$(mktemp -d "$build/deb-test.XXXXXX")
readonly here top build work
trap 'rm -rf "$work"' EXIT
# shellcheck source-path=SCRIPTDIR source=package.sh
. "$here/package.sh"

contents_of() { dpkg-deb -c "$1" | awk '$1 !~ /^d/ { print substr($6, 2), $1, $2 }' | sort; }

expected_contents() {
  local file
  while read -r file mode; do echo "$file $mode root/root"; done <<'FILES' | sort
/etc/ace-proxy/ace-proxy.env -rw-r-----
/usr/bin/ace-proxy -rwxr-xr-x
/usr/lib/systemd/system/ace-proxy.service -rw-r--r--
/usr/lib/systemd/system/ace-proxy.socket -rw-r--r--
/usr/lib/sysusers.d/ace-proxy.conf -rw-r--r--
/usr/share/ace-proxy/grafana/ace-proxy.json -rw-r--r--
/usr/share/ace-proxy/prometheus/ace-proxy.rules.yml -rw-r--r--
/usr/share/doc/ace-proxy/README.md -rw-r--r--
/usr/share/doc/ace-proxy/changelog.gz -rw-r--r--
/usr/share/doc/ace-proxy/copyright -rw-r--r--
/usr/share/doc/ace-proxy/deploy.md -rw-r--r--
/usr/share/lintian/overrides/ace-proxy -rw-r--r--
/usr/share/man/man8/ace-proxy.8.gz -rw-r--r--
FILES
}

depends_on() { dpkg-deb -f "$1" Depends | tr ',' '\n' | grep -qE "^ *$2( |\$)"; }

check_control() {
  local deb=$1 library
  check "the package's name" equal "$(dpkg-deb -f "$deb" Package)" ace-proxy
  check "the changelog begins with this version" equal \
    "$(sed -n '1s/.*(\(.*\)).*/\1/p' "$top/deploy/package/changelog")" "$version"
  # Which shared libraries it needs is found out, not written down.
  for library in libcurl4 'libhiredis[0-9.]+' libuv1 libsystemd0; do
    check "depends on $library" depends_on "$deb" "$library(t64)?"
  done
  check "recommends a Redis" equal "$(dpkg-deb -f "$deb" Recommends)" redis-server
  check "conffiles" equal "$(dpkg-deb -I "$deb" conffiles)" /etc/ace-proxy/ace-proxy.env
  check "contents" equal "$(contents_of "$deb")" "$(expected_contents)"
}

has_every_flag() {
  local page missing=() flag
  page=$(gzip -dc "$1" | sed 's/\\-/-/g')
  while read -r flag; do
    grep -qE -- "(^|[^a-z-])$flag([^a-z-]|\$)" <<<"$page" || missing+=("$flag")
  done < <("$2" --help-all | sed -nE 's/^  (-[a-zA-Z], )?(--[a-z-]+).*/\2/p')
  [[ ${#missing[@]} -eq 0 ]] || { echo "not in the manual page: ${missing[*]}"; return 1; }
}

# groff says what it does not understand; man alone would hide it.
page_is_clean() { equal "$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -l "$1" 2>&1 >/dev/null)" ""; }

unit_names() { grep -qE "$2" "$1/usr/lib/systemd/system/ace-proxy.service"; }

check_files() {
  local root=$1 proxy=$1/usr/bin/ace-proxy
  check "the program runs" grep -qF "$version" <("$proxy" --version)
  check "its settings are good" "$proxy" --config "$root/etc/ace-proxy/ace-proxy.env" --check-config
  refuse "it carries no symbols" grep -q '\.symtab' <(readelf -SW "$proxy")
  check "the manual page has every flag" has_every_flag \
    "$root/usr/share/man/man8/ace-proxy.8.gz" "$proxy"
  check "the unit starts what is installed" unit_names "$root" '^ExecStart=[^ ]*/usr/bin/ace-proxy'
  check "the unit knows the settings" unit_names "$root" '/etc/ace-proxy/ace-proxy\.env'
  check "the unit's user is made" unit_names "$root" \
    "^User=$(awk '$1 == "u" { print $2 }' "$root/usr/lib/sysusers.d/ace-proxy.conf")\$"
}

# Where these tools are installed.
check_with_tools() {
  local deb=$1 root=$2 script
  for script in postinst prerm postrm; do
    check "$script is a shell script" sh -n "$top/deploy/package/$script"
    if command -v shellcheck >/dev/null; then
      check "shellcheck of $script" shellcheck "$top/deploy/package/$script"
    fi
  done
  if command -v man >/dev/null; then
    check "the manual page is well formed" page_is_clean "$root/usr/share/man/man8/ace-proxy.8.gz"
  fi
  if command -v lintian >/dev/null; then
    check "lintian" equal "$(lintian --allow-root "$deb" 2>&1)" ""
  fi
}

build_package_files
version=$(project_version)
deb=$(package "$version")
check_control "$deb"
dpkg-deb -x "$deb" "$work/unpacked"
check_files "$work/unpacked"
check_with_tools "$deb" "$work/unpacked"
if [[ ${ACE_LONG:-0} != 0 ]]; then
  newer=$(package "$version.1")
  # shellcheck source-path=SCRIPTDIR source=deb_life.sh
  . "$here/deb_life.sh"
  try_life "$deb" "$newer"
fi
summary
