#!/usr/bin/env bash
# Proves the whole tree: builds and tests it as developers do (dev: warnings are errors, library
# assertions, lint), then again under AddressSanitizer and UndefinedBehaviorSanitizer. Where clang
# with libFuzzer is installed, each fuzz target then runs for half a minute, all side by side.
# A soak of five minutes runs beside the sanitizers' tests.
#   tests/run.sh [--long]      --long: tests that take minutes run at full length, and the load tests
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
for word in "$@"; do
  case "$word" in
    --long) export ACE_LONG=1 ;;
    *)
      echo "run.sh: unknown flag $word; --long is the only one" >&2
      exit 2
      ;;
  esac
done

deploy/install-deps.sh build test run ${ACE_LONG:+deploy-test}
# Build trees may lie anywhere: the cache must not tell them apart.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
# What is not in it need not be preprocessed twice: a tenth of the time that compiling takes.
export CCACHE_DEPEND=1
# They were installed above: a missing one is a fault here, not a reason to skip its test.
export ACE_REQUIRE_TOOLS=1
readonly jobs=2
# Most tests wait for time to pass, not for a core: six at once take a third of one.
readonly tests_at_once=6
failed=()
rm -rf build/failed build/unsteady

build() {
  local preset=$1
  shift
  cmake --preset "$preset" >/dev/null && cmake --build "build/$preset" -j "$jobs" "$@" -- --quiet
}

# What goes on beside running tests, each a group of processes of its own, so that it can be ended as
# one. Its output is shown when it fails.
declare -A groups=()
beside() {
  local name=$1
  shift
  mkdir -p build
  set -m
  "$@" >"build/$name.log" 2>&1 &
  groups[$name]=$!
  set +m
}

await() {
  local name=$1 result=0
  wait "${groups[$name]}" || result=$?
  unset "groups[$name]"
  [[ "$result" -eq 0 ]] || cat "build/$name.log" >&2
  return "$result"
}
end_groups() {
  local group
  for group in "${groups[@]}"; do kill -- "-$group" 2>/dev/null || true; done
}

# Runs ctest, and keeps what it leaves behind of a run that failed: the next run there overwrites it.
#   run_ctest NAME PRESET ctest's arguments...
run_ctest() {
  local name=$1 logs=build/$2/Testing/Temporary
  shift 2
  ctest --test-dir "${logs%/Testing/*}" --output-on-failure --no-tests=error "$@" && return
  mkdir -p build/failed
  cp -r "$logs" "build/failed/$name"
  return 1
}

# The same of tests that have not run yet: what failed in an earlier run is not theirs.
tests_of() {
  rm -f "build/$2/Testing/Temporary/LastTestsFailed.log"
  run_ctest "$@"
}

# What failed for want of a core passes alone. It is told all the same: a test must stand the others.
try_again() {
  local name=$1 first=build/failed/$1
  tests/may_run_again.sh "$first" || return 1
  stage "$name: again, alone"
  mkdir -p build/unsteady
  mv "$first" "build/unsteady/$name"
  rmdir --ignore-fail-on-non-empty build/failed
  run_ctest "$name" "$name" --rerun-failed
}

# However this ends, its last lines are what failed.
tell_failures() {
  [[ ! -d build/unsteady ]] || tests/failed_tests.sh "at first:" build/unsteady/* >&2
  [[ ! -d build/failed ]] || tests/failed_tests.sh "failed:" build/failed/* >&2
}
trap 'end_groups; tell_failures' EXIT

# The cores are for the tests.
build_nicely() {
  renice -n 19 -p "$BASHPID" >/dev/null
  build "$@"
}

stage() { printf '=== %d:%02d %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$1"; }

await_build() {
  stage "$1: build"
  await "build-$1" && return
  echo "run.sh: the $1 preset does not build" >&2
  exit 1
}

run_tests() {
  local preset=$1 labels=$2
  stage "$preset: test ($labels)"
  tests_of "$preset" "$preset" -j "$tests_at_once" -L "$labels" -LE 'stress|soak|bench' ||
    try_again "$preset" || failed+=("$preset")
}

has_libfuzzer() {
  command -v clang++ >/dev/null || return 1
  local program
  program=$(mktemp)
  local found=0
  echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
    clang++ -x c++ -fsanitize=fuzzer,address,undefined -o "$program" - 2>/dev/null || found=1
  rm -f "$program"
  return "$found"
}

stage "dev: build"
build dev
beside build-asan build_nicely asan
run_tests dev '^(unit|integration|e2e|deploy|lint)$'
await_build asan
if has_libfuzzer; then beside build-fuzz build_nicely fuzz --target fuzz_programs; fi
beside soak tests_of soak dev -C Soak -L soak
run_tests asan '^(unit|integration|e2e)$'
stage "dev: five minutes of failing engines and dying workers"
await soak || failed+=(soak)
if has_libfuzzer; then
  await_build fuzz
  stage "fuzz: half a minute a target"
  tests_of fuzz fuzz -L fuzz -j 16 || failed+=(fuzz)
else
  stage "fuzz: left out, clang with libFuzzer is not installed"
fi

if [[ -n "${ACE_LONG:-}" ]]; then
  stage "release: load"
  build release
  tests_of stress release -C Stress -L stress || failed+=(stress)
  stage "release: what delivery costs"
  tests_of bench release -C Bench -L bench || failed+=(bench)
fi

if [[ ${#failed[@]} -gt 0 ]]; then
  echo "run.sh: failed: ${failed[*]}" >&2
  exit 1
fi
echo "run.sh: all passed"
