#!/usr/bin/env bash
# Build procscope and run its tests. The last line is 'N passed, N failed, N skipped'.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: tools/test.sh [OPTION...] [-D... ] [-- CTEST-ARGUMENT...]

  (none)          every test, in build/
  --sanitize      with address and undefined-behaviour sanitizers, in build-asan/
  --thread        with the thread sanitizer, in build-tsan/
  --fuzz SECONDS  every fuzz target for so long (needs clang), in build-fuzz/
  --build-dir DIR build there instead
  -DNAME=VALUE    passed on to cmake, as in -DPROCSCOPE_WERROR=ON
  -- ...          passed on to ctest, as in -- -R column
END
}

mode=plain build="" seconds=0
cmake_arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
    --sanitize) mode=sanitize ;;
    --thread) mode=thread ;;
    --fuzz)
        mode=fuzz seconds="${2-}"
        case "$seconds" in "" | *[!0-9]*) usage >&2 && exit 2 ;; esac
        shift
        ;;
    --build-dir)
        build="${2-}"
        [ -n "$build" ] || { usage >&2 && exit 2; }
        shift
        ;;
    -D*) cmake_arguments+=("$1") ;;
    --) shift && break ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done

jobs=$(getconf _NPROCESSORS_ONLN)
log=""
trap 'rm -f "$log"' EXIT
log=$(mktemp)

quietly() { # COMMAND ARG...: its output is shown only when it fails, and what the compiler warned
    if "$@" >"$log" 2>&1; then
        grep -E -A4 'warning:|Warning' "$log" || true
        return 0
    fi
    cat "$log"
    return 1
}

build_tree() { # DEFAULT-DIRECTORY CMAKE-ARGUMENT...
    build="${build:-$1}"
    shift
    echo "test: build in $build/"
    if [ ! -e "$build/CMakeCache.txt" ] && command -v ninja >/dev/null; then
        set -- -G Ninja "$@"
    fi
    quietly cmake -S . -B "$build" "$@" ${cmake_arguments[@]+"${cmake_arguments[@]}"}
    quietly cmake --build "$build" --parallel "$jobs"
}

# What was skipped and why: "SKIP: reason" from any test, "[  SKIPPED ] case" from cmocka.
list_skips() { # ctest's log of every test's output, ctest's progress
    awk '
        /^[0-9]+\/[0-9]+ Testing: / { test = $3 }
        /^SKIP: / { print "  " test ": " substr($0, 7); said[test] = 1 }
        /^\[  SKIPPED \] [A-Za-z_][A-Za-z0-9_]*$/ { print "  " test ": case " $4 }
        / Test +#[0-9]+: .*\*\*\*Skipped/ {
            test = $0
            sub(/.* Test +#[0-9]+: /, "", test)
            sub(/ [.]*\*\*\*Skipped.*/, "", test)
            whole[test] = 1
        }
        END { for (test in whole) if (!said[test]) print "  " test ": gave no reason" }
    ' "$1" "$2" | sort -u
}

# Counts of ctest's progress lines, "1/9 Test #1: name ... Passed 0.01 sec".
count_results() {
    awk '
        !/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / { next }
        / Passed +[0-9.]+ sec$/ { passed++; next }
        /\*\*\*Skipped/ { skipped++; next }
        { failed++ }
        END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }
    ' "$log"
}

run_ctest() { # CTEST-ARGUMENT...
    local status=0 skips counts run=()
    # The thread sanitizer of older compilers cannot live with much address randomisation.
    if [ $mode = thread ] && setarch "$(uname -m)" -R true 2>/dev/null; then
        run=(setarch "$(uname -m)" -R)
    fi
    echo "test: ctest" # one more at a time than there are cores: many wait for a recording to go on
    rm -f "$build/Testing/Temporary/LastTest.log"
    ${run[@]+"${run[@]}"} ctest --test-dir "$build" --output-on-failure --no-tests=error \
        --parallel $((jobs + 1)) "$@" 2>&1 | tee "$log" || status=$?
    if [ -e "$build/Testing/Temporary/LastTest.log" ]; then
        skips=$(list_skips "$build/Testing/Temporary/LastTest.log" "$log")
        if [ -n "$skips" ]; then
            printf 'Skipped:\n%s\n' "$skips"
        fi
    fi
    counts=$(count_results)
    echo "$counts"
    return $status
}

fuzz_one() { # PROGRAM
    local name seeds work
    name=$(basename "$1" | sed 's/^fuzz_//')
    work="$build/corpus/$name"
    seeds="tests/fuzz/corpus/$name"
    mkdir -p "$work" "$build/crashes"
    if [ ! -d "$seeds" ]; then
        seeds="$work"
    fi
    "$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/crashes/$name-" "$work" "$seeds" >"$build/$name.log" 2>&1
}

# As many at a time as there are cores; the input of a crash is kept in crashes/.
run_fuzzers() {
    local passed=0 failed=0 program pids=() names=() i
    set -- "$build"/fuzz/fuzz_*
    if [ ! -e "$1" ]; then
        echo "test: no fuzz target (tests/fuzz/fuzz_*.c)"
        echo "0 passed, 0 failed, 0 skipped"
        return 0
    fi
    echo "test: $# fuzz targets, $seconds s each, $jobs at a time"
    while [ $# -gt 0 ]; do
        pids=() names=()
        while [ $# -gt 0 ] && [ ${#pids[@]} -lt "$jobs" ]; do
            fuzz_one "$1" &
            pids+=($!) names+=("$(basename "$1")")
            shift
        done
        for i in "${!pids[@]}"; do
            program="${names[$i]}"
            if wait "${pids[$i]}"; then
                passed=$((passed + 1))
                echo "  $program: $(sed -n 's/^stat::number_of_executed_units: *//p' \
                    "$build/${program#fuzz_}.log") inputs, no crash"
            else
                failed=$((failed + 1))
                echo "  $program: FAILED"
                tail -n 40 "$build/${program#fuzz_}.log"
            fi
        done
    done
    echo "$passed passed, $failed failed, 0 skipped"
    [ $failed = 0 ]
}

tools/setup.sh
case $mode in
plain)
    build_tree build
    run_ctest "$@"
    ;;
sanitize)
    build_tree build-asan -DPROCSCOPE_SANITIZE=address,undefined
    run_ctest "$@"
    ;;
thread)
    build_tree build-tsan -DPROCSCOPE_SANITIZE=thread
    run_ctest "$@"
    ;;
fuzz)
    build_tree build-fuzz -DCMAKE_C_COMPILER=clang -DPROCSCOPE_FUZZ=ON -DPROCSCOPE_TESTS=OFF
    run_fuzzers
    ;;
esac
