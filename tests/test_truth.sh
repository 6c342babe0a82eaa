#!/usr/bin/env bash
# Reports of made-up recordings say, value for value, what went into them: plain ones, ones with
# births, gaps, restarts, reused pids and missing values, and one whose recorder was killed.
set -euo pipefail

source_dir=${PROCSCOPE_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
build_dir=${PROCSCOPE_BUILD_DIR:-$source_dir/build}
make_recording=$build_dir/make_recording
procscope=$build_dir/procscope
count=${PROCSCOPE_TRUTH_WINDOWS:-40}

for program in "$make_recording" "$procscope"; do
    if [ ! -x "$program" ]; then
        echo "skipped: no $program"
        exit 77
    fi
done
if ! command -v python3 > /dev/null; then
    echo "skipped: no python3"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# check NAME OPTION...: make a recording, compare its reports with the truth
check() {
    local name=$1
    shift
    echo "== $name: $*"
    "$make_recording" "$work/$name.pscope" --truth "$work/$name" "$@"
    python3 "$source_dir/tools/check_truth.py" "$work/$name.pscope" "$work/$name" \
        --procscope "$procscope" --count "$count" --seed 7 || failed=1
}

check plain --processes 40 --seconds 400 --seed 1
check births --processes 60 --seconds 700 --births 2 --pid-reuse --seed 2
check missing --processes 60 --seconds 400 --births 1 --missing --seed 3
check gaps --processes 40 --seconds 500 --births 1 --gap 100:30 --gap 310:3 --seed 4
check restarts --processes 40 --seconds 700 --births 1 --restart 150:40 --restart 420:5 --pid-reuse \
    --seed 5
check everything --processes 80 --seconds 700 --births 2 --missing --pid-reuse --gap 90:20 \
    --restart 330:15 --gap 500:2 --seed 6
check killed --processes 40 --seconds 450 --births 1 --missing --unclean --seed 7
check fast --processes 30 --seconds 40 --interval 100ms --births 4 --missing --gap 20:1 --seed 8

# The same options give the same processes.
"$make_recording" "$work/again.pscope" --truth "$work/again" --processes 40 --seconds 400 --seed 1
diff -r "$work/plain" "$work/again"

exit "$failed"
