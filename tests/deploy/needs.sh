#!/usr/bin/env bash
# For the tests of this folder, to be sourced after checks.sh: what a machine must have. Where it has not,
# the test is skipped with the reason, but fails if something has failed by then.
# shellcheck disable=SC2154  # failures and build are the test's

skip() {
  echo "SKIPPED: $1"
  ((failures == 0)) || { summary || exit 1; }
  exit 77
}

need_tools() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || skip "$tool is missing (deploy/install-deps.sh deploy-test)"
  done
}

# Where packages and work lie.
need_build() {
  [[ -w $build ]] || skip "$build is not this user's to write to"
}

# A container may well have a root that may not do this.
need_namespaces() {
  [[ $EUID -eq 0 ]] || skip "this takes root"
  need_tools unshare
  unshare --mount --pid --net --fork --kill-child --mount-proc true 2>/dev/null ||
    skip "this machine lets nobody have namespaces or mounts of his own (unshare)"
}

# Asks as apt would: through its proxies, with its methods.
need_mirror() {
  local helper=/usr/lib/apt/apt-helper uri file
  [[ -x $helper ]] || skip "this machine has no apt"
  uri=$(apt-get update --print-uris 2>/dev/null | sed -n "s/^'\([^']*\)'.*/\1/p" | sed -n 1p)
  [[ -n $uri ]] || skip "apt has no sources here"
  file=$(mktemp)
  if ! timeout 60 "$helper" -o Acquire::Retries=2 download-file "$uri" "$file" >/dev/null 2>&1; then
    rm -f "$file"
    skip "no Debian mirror is within reach"
  fi
  rm -f "$file"
}
