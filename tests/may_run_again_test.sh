#!/usr/bin/env bash
# Lets ctest run tests that fail, and asks may_run_again.sh of each run.
#   tests/may_run_again_test.sh WORK_DIRECTORY
set -euo pipefail

script=$(dirname "${BASH_SOURCE[0]}")/may_run_again.sh
readonly script work=$1
rm -rf "$work"

# A run of the tests that standard input declares is answered like this.
#   judge ANSWER
judge() {
  mkdir -p "$work/run"
  cat >"$work/run/CTestTestfile.cmake"
  ctest --test-dir "$work/run" >"$work/ctest.log" 2>&1 && exit 1
  local told=yes
  "$script" "$work/run/Testing/Temporary" >"$work/told" || told=$(tail -n 1 "$work/told")
  rm -r "$work/run"
  [[ "$told" == "$1" ]] && return
  echo "$1 was expected: $told"
  exit 1
}

judge yes <<'EOF'
add_test("e2e_one: late" sh -c "echo 'CHECK( took < 3s )'; exit 1")
add_test("unit_other: passes" true)
EOF
judge "not again: that does not depend on time" <<'EOF'
add_test("e2e_one: late" false)
add_test("unit_other: wrong" false)
EOF
judge "not again: more than 3 failed" <<'EOF'
foreach(i RANGE 1 4)
  add_test("e2e_${i}: late" false)
endforeach()
EOF
for finding in "ERROR: AddressSanitizer: heap-use-after-free" "a.cc:1:2: runtime error: overflow" \
  "  due to a fatal error condition:" "CHECK( viewers_.faults().empty() )"; do
  judge "not again: that was found for good" <<EOF
add_test("e2e_one: found" sh -c "echo '$finding'; exit 1")
EOF
done

mkdir -p "$work/silent"
! "$script" "$work/silent" >"$work/told" || exit 1
grep -q "no single test failed" "$work/told"
