#!/usr/bin/env bash
# Tells whether what failed in a run of ctest may be tried a second time, alone: exit code 0, or 1 and
# why not. On a busy machine a test that waits can fail for want of a core; one that found a wrong byte, a
# sanitizer's finding or a crash has found it for good, and one without real time has no such excuse.
#   tests/may_run_again.sh DIRECTORY      a Testing/Temporary of ctest
set -euo pipefail

# More at once are no accident.
readonly most=3
readonly found='Sanitizer: |runtime error: |fatal error condition|Assertion .* failed|faults\(\)'
readonly timeless='^[0-9]+:(unit_|lint|fuzz)'
readonly failures=$1/LastTestsFailed.log log=$1/LastTest.log

deny() {
  echo "not again: $1"
  exit 1
}

[[ -s "$failures" ]] || deny "no single test failed"
[[ $(wc -l <"$failures") -le "$most" ]] || deny "more than $most failed"
! grep -E "$timeless" "$failures" || deny "that does not depend on time"
! grep -E -m 3 "$found" "$log" || deny "that was found for good"
