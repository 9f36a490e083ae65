#!/usr/bin/env bash
# For the tests of containers, to be sourced: they run in mount, process and network namespaces of
# their own. When a test ends, however it ends, the kernel ends what still runs there and undoes
# mounts, bridges and packet filters; the host's own containers are out of its reach. Images, layers
# and the compiler's cache are kept in the build tree, whose path is the test's one argument.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$1
readonly here top build
readonly store="$build/deploy/containers"
readonly work=/run/ace-test
# Where FROM debian:bookworm-slim looks before it asks anybody else.
readonly base=localhost/debian:bookworm-slim
# Compose gives them these names.
readonly image=localhost/ace-proxy
readonly demo_image=localhost/ace-proxy-demo-engine
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$here/checks.sh"
# shellcheck source-path=SCRIPTDIR source=needs.sh
. "$here/needs.sh"

# Those of containers that nobody removed; they belong to no namespace.
forget_cgroups() {
  local container left=0
  for container in "$store/images/overlay-containers"/*/; do
    container=$(basename "$container")
    find /sys/fs/cgroup -depth -type d -path "*$container*" -exec rmdir {} + 2>/dev/null || left=1
  done
  return "$left"
}

clean_up() {
  [[ -z $inside ]] || kill -KILL "$inside" 2>/dev/null || true
  eventually 10 forget_cgroups || true
}

# Ends with what runs inside, and that with this script, however it ends. Not by exec: unshare does
# not hear TERM and INT.
go_inside() {
  local result=0
  inside=
  trap 'exit 143' TERM
  trap 'exit 130' INT
  trap clean_up EXIT
  # Of one that was killed.
  forget_cgroups || true
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
    env ACE_CONTAINERS=images bash "$0" "$build" &
  inside=$!
  wait "$inside" || result=$?
  inside=
  exit "$result"
}

# What podman, buildah and compose believe of this machine; a reboot, as far as they can tell.
set_up() {
  local names
  names=$(cat /etc/resolv.conf 2>/dev/null || true)
  rm -rf "$store/tmp"
  mkdir -p "$store/images" "$store/run" "$store/tmp" "$build/deploy/ccache"
  mount -t tmpfs tmpfs /run
  # Where it is a link into what is hidden now.
  if [[ -n $names && ! -e /etc/resolv.conf ]]; then
    mkdir -p "$(dirname "$(readlink -m /etc/resolv.conf)")"
    echo "$names" >/etc/resolv.conf
  fi
  mount -t tmpfs tmpfs /dev/shm
  mount -t tmpfs tmpfs "$store/run"
  mkdir "$work"
  cat >"$work/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$store/images"
runroot = "$store/run"
CONF
  # runc, and limits that it need not raise: what works without systemd, too.
  cat >"$work/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
# Docker's API, too, finds what was built here.
compat_api_enforce_docker_hub = false
[network]
network_backend = "netavark"
network_config_dir = "$work/networks"
CONF
  export CONTAINERS_STORAGE_CONF="$work/storage.conf" CONTAINERS_CONF="$work/containers.conf"
  export TMPDIR="$store/tmp"
  # Of runs that were interrupted.
  buildah rm --all >/dev/null 2>&1 || true
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
}

# image_of TAG [FLAG…]: builds deploy/Dockerfile.
image_of() {
  local tag=$1 log="$work/build.log"
  shift
  if ! podman image exists "$base"; then
    "$here/debian_root.sh" "$build/deploy/debian.tar"
    podman import --quiet --change 'CMD ["bash"]' "$build/deploy/debian.tar" "$base" >"$log" 2>&1
  fi
  nice -n 5 buildah build --format docker --isolation chroot --network host --layers \
    --volume "$build/deploy/ccache:/root/.cache/ccache" --file "$top/deploy/Dockerfile" \
    --tag "$tag" "$@" "$top" >>"$log" 2>&1 || { tail -n 40 "$log" >&2 && exit 1; }
}

# run_apart TEST: a function, which has no network but what it makes itself, and any port is free.
# Images are built before, with the host's network.
run_apart() {
  case "${ACE_CONTAINERS:-}" in
    images)
      set_up
      image_of "$image"
      image_of "$demo_image" --target demo-engine
      exec env ACE_CONTAINERS=test unshare --net bash "$0" "$build"
      ;;
    test)
      ip link set lo up
      trap 'podman rm --all --force --time 0 >/dev/null 2>&1' EXIT
      "$1"
      summary
      ;;
    *)
      [[ ${ACE_LONG:-0} != 0 ]] || skip "this takes minutes, ACE_LONG=1 runs it"
      need_namespaces
      need_tools buildah podman runc iptables ip setpriv mmdebstrap curl
      need_mirror
      go_inside
      ;;
  esac
}
