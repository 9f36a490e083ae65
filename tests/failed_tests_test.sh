#!/usr/bin/env bash
# Lets ctest run tests that fail, and reads what failed_tests.sh tells of them.
#   tests/failed_tests_test.sh WORK_DIRECTORY
set -euo pipefail

script=$(dirname "${BASH_SOURCE[0]}")/failed_tests.sh
readonly script work=$1
rm -rf "$work"
mkdir -p "$work/first" "$work/silent/nothing"
cat >"$work/first/CTestTestfile.cmake" <<'EOF'
add_test("fine: it passes" echo "from one that passes")
add_test("long: \"quoted\", [odd] \\ and long" sh -c "seq 1000 1099; exit 1")
add_test("check: and a log" sh -c "echo; echo 'a.cc:7: FAILED:'; echo '  CHECK( 1 == 2 )'; echo; seq 70; exit 1")
add_test("slow: too slow" sh -c "echo begun; sleep 60")
set_tests_properties("slow: too slow" PROPERTIES TIMEOUT 1)
add_test("mute: says nothing" false)
add_test("gone: not built" /nonexistent/program)
EOF
ctest --test-dir "$work/first" >"$work/ctest.log" 2>&1 && exit 1
"$script" "failed here:" "$work/first/Testing/Temporary" "$work/silent/nothing" >"$work/told"

diff - "$work/told" <<EOF
--- Temporary: long: "quoted", [odd] \\ and long
$(seq 1040 1099)
--- Temporary: check: and a log
a.cc:7: FAILED:
  CHECK( 1 == 2 )
[...]
$(seq 11 70)
--- Temporary: slow: too slow
begun
--- Temporary: mute: says nothing
(it said nothing)
--- Temporary: gone: not built
(it said nothing)
--- failed here:
Temporary: long: "quoted", [odd] \\ and long
Temporary: check: and a log
Temporary: slow: too slow
Temporary: mute: says nothing
Temporary: gone: not built
nothing: no single test
EOF
