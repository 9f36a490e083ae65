#!/usr/bin/env bash
# Installs what ace-proxy needs from Debian's own packages, and nothing when all of it is there.
#   deploy/install-deps.sh [build] [demo] [test] [deploy-test] [run]      default: build run
# On a host with an init system, Debian starts redis-server, nginx and prometheus (the latter two of the
# set test, prometheus for its promtool) as services once they are installed; in a bare container it does not.
set -euo pipefail

readonly BUILD=(g++ cmake ninja-build ccache pkg-config libuv1-dev libhiredis-dev
  libcurl4-openssl-dev libssl-dev rapidjson-dev libfmt-dev libspdlog-dev libcli11-dev
  libexpected-dev libsystemd-dev prometheus-cpp-dev
  dpkg-dev file)
# start.sh --demo: its engines are built with the tests, and show what ffmpeg makes up.
readonly DEMO=(catch2 ffmpeg)
readonly TEST=(catch2 redis-server redis-tools ffmpeg curl wrk nginx-light clang clang-format
  shellcheck jq procps iproute2 prometheus mpv vlc-bin vlc-plugin-base gstreamer1.0-tools
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav)
# What tests/deploy needs at full length: systems and containers to try the packages in.
readonly DEPLOY_TEST=(mmdebstrap systemd systemd-container lintian man-db shellcheck curl jq buildah podman
  runc fuse-overlayfs uidmap netavark aardvark-dns iptables iproute2 docker-compose)
readonly RUN=(redis-server redis-tools)

# Of the packages named, those that are not installed; one dpkg-query for all of them.
missing_of() {
  local installed
  installed=$(dpkg-query -W -f '${Package}=${db:Status-Status}\n' "$@" 2>/dev/null || true)
  local package
  for package in "$@"; do
    grep -qxF "$package=installed" <<<"$installed" || echo "$package"
  done
}

# The lists of packages, where there are none yet: what is asked below is answered from them.
need_lists() {
  [[ -n "$(apt-cache pkgnames libuv1-dev 2>/dev/null)" ]] || update_lists >&2
}

# The HTTP parser: a library in Debian 13 and later, C sources in Debian 12 (in later ones that package
# holds other things).
llhttp_package() {
  if [[ -z "$(missing_of libllhttp-dev)" ]]; then
    echo libllhttp-dev
  elif [[ -e /usr/share/llhttp/llhttp.c ]]; then
    echo node-llhttp
  else
    need_lists
    if [[ -n "$(apt-cache pkgnames libllhttp-dev)" ]]; then echo libllhttp-dev; else echo node-llhttp; fi
  fi
}

# libFuzzer: its package carries the version of Debian's clang.
libfuzzer_package() {
  need_lists
  local version
  version=$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
  echo "libclang-rt-${version:-14}-dev"
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "install-deps: root rights are needed for: $*" >&2
    return 1
  fi
}

update_lists() {
  as_root apt-get update -qq || { sleep 3 && as_root apt-get update -qq; }
}

install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@"
}

main() {
  local sets=("$@") wanted=() missing=() name
  if [[ ${#sets[@]} -eq 0 ]]; then sets=(build run); fi
  for name in "${sets[@]}"; do
    case "$name" in
      build) wanted+=("${BUILD[@]}" "$(llhttp_package)") ;;
      demo) wanted+=("${DEMO[@]}") ;;
      test) wanted+=("${TEST[@]}" "$(libfuzzer_package)") ;;
      deploy-test) wanted+=("${DEPLOY_TEST[@]}") ;;
      run) wanted+=("${RUN[@]}") ;;
      *)
        echo "install-deps: $name is not one of: build demo test deploy-test run" >&2
        return 2
        ;;
    esac
  done
  mapfile -t missing < <(missing_of "${wanted[@]}")
  if [[ ${#missing[@]} -eq 0 ]]; then return 0; fi
  echo "install-deps: installing ${missing[*]}" >&2
  # The lists at hand may do, or be too old, or not be there at all.
  install "${missing[@]}" || { update_lists && install "${missing[@]}"; }
}

main "$@"
