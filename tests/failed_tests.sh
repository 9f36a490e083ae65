#!/usr/bin/env bash
# Tells which tests failed in ctest's runs: the end of what each said, then, headed by TITLE, the names
# of all.
#   tests/failed_tests.sh TITLE DIRECTORY...      each a Testing/Temporary of ctest, called after its run
set -euo pipefail

# The end of a log is what continuous integration shows: one test must not fill it, nor one run.
readonly lines_a_test=60 tests_a_run=12 columns=300

# In LastTest.log a test's output stands between a rule and "<end of output>". The logs of programs
# that ran come last in it and may be long: what Catch2 calls FAILED is told before its end.
end_of_output() {
  # By the environment: awk would take backslashes out of what -v brings.
  TEST=$2 awk -v keep="$lines_a_test" -v columns="$columns" '
    match($0, /^[0-9]+\/[0-9]+ Testing: /) { ours = substr($0, RLENGTH + 1) == ENVIRON["TEST"] }
    !ours { next }
    $0 == "<end of output>" { exit }
    after == 2 { line[++count] = substr($0, 1, columns) }
    after == 2 && / FAILED:$/ { failing = 1 }
    after == 2 && /^$/ { failing = 0 }
    after == 2 && failing && checks < keep / 3 { check[++checks] = line[count]; at[checks] = count }
    after == 1 { after = 2 }
    $0 == "Output:" && !after { after = 1 }
    END {
      if (!count) print "(it said nothing)"
      rest = count > keep ? count - keep + 1 : 1
      for (i = 1; i <= checks && at[i] < rest; ++i) print check[i]
      if (i > 1) print "[...]"
      for (i = rest; i <= count; ++i) print line[i]
    }' "$1/LastTest.log"
}

readonly title=$1
shift
names=()
for logs in "$@"; do
  run=$(basename "$logs")
  if [[ ! -s "$logs/LastTestsFailed.log" ]]; then
    names+=("$run: no single test")
    continue
  fi
  mapfile -t tests < <(cut -d: -f2- "$logs/LastTestsFailed.log")
  for test in "${tests[@]::tests_a_run}"; do
    echo "--- $run: $test"
    end_of_output "$logs" "$test"
  done
  names+=("${tests[@]/#/$run: }")
done
echo "--- $title"
printf '%s\n' "${names[@]}"
