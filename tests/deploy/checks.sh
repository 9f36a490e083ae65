#!/usr/bin/env bash
# For the tests of this folder, to be sourced: checks that are counted, and a summary.
checks=0
failures=0

# check WHAT COMMAND…: the command must succeed; what it says is shown when it does not.
check() {
  local what=$1 said
  shift
  ((++checks))
  if ! said=$("$@" 2>&1); then
    ((++failures))
    echo "FAILED: $what" >&2
    [[ -z $said ]] || echo "    ${said//$'\n'/$'\n    '}" >&2
  fi
}

# The same, of a command that must fail.
refuse() {
  local what=$1
  shift
  check "$what" fails "$@"
}
fails() { ! "$@"; }

equal() {
  [[ $1 == "$2" ]] && return
  diff <(echo "$2") <(echo "$1")
}

# Asks COMMAND every 100 ms until it succeeds; SECONDS at most.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= end)); then return 1; fi
    sleep 0.1
  done
}

summary() {
  echo "$((checks - failures)) of $checks checks passed"
  [[ $failures -eq 0 && $checks -gt 0 ]]
}
