#!/usr/bin/env bash
# For the tests of this folder, to be sourced: makes the Debian package out of the build tree.
# shellcheck disable=SC2154  # build and work are the test's

build_package_files() {
  cmake --build "$build" --target ace-proxy package_files >"$work/build.log" ||
    { cat "$work/build.log" >&2 && return 1; }
}

project_version() { sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt"; }

# package VERSION: makes it, prints the file.
package() {
  local log="$work/cpack.log"
  if ! (cd "$build" && cpack -G DEB -D CPACK_PACKAGE_VERSION="$1" -B "$work/$1" >"$log" 2>&1); then
    cat "$log" >&2
    return 1
  fi
  echo "$work/$1/ace-proxy_$1_$(dpkg --print-architecture).deb"
}
