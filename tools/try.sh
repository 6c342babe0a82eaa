#!/usr/bin/env bash
# See procscope work: install what is missing, build, record ten seconds of a small load, report on it.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "1/4 What is needed"
tools/setup.sh

step "2/4 Build, in build/"
jobs=$(getconf _NPROCESSORS_ONLN)
log=$(mktemp)
generator=()
if [ ! -e build/CMakeCache.txt ] && command -v ninja >/dev/null; then
    generator=(-G Ninja)
fi
if ! { cmake -S . -B build ${generator[@]+"${generator[@]}"} &&
    cmake --build build --parallel "$jobs"; } >"$log" 2>&1; then
    cat "$log"
    exit 1
fi
rm -f "$log"
build/procscoped --version 2>/dev/null || true

# Three processes whose names are easy to find again: each is bash under another name, and ends by itself.
tmp=$(mktemp -d)
load=()
start_load() { # NAME SHELL-CODE, run until 12 s have passed
    ln -s "$(command -v bash)" "$tmp/$1"
    "$tmp/$1" -c "while [ \$SECONDS -lt 12 ]; do $2; done" >/dev/null 2>&1 &
    load+=($!)
}
stop_load() {
    local pid
    for pid in ${load[@]+"${load[@]}"}; do
        kill "$pid" 2>/dev/null || true
    done
    load=()
}
trap stop_load EXIT

step "3/4 Record this machine for 10 seconds, once a second"
echo "with three processes of ours: try-busy (one core), try-part (a share of one), try-births (short-lived children)"
start_load try-busy ':'
start_load try-part 'for i in {1..20000}; do :; done; sleep 0.1'
start_load try-births '/bin/ls / ; sleep 0.2'
build/procscoped -o "$tmp/try.pscope" -i 1s -d 10s
stop_load
rm "$tmp"/try-busy "$tmp"/try-part "$tmp"/try-births

step "4/4 What the recording says"
build/procscope report "$tmp/try.pscope" --top 10
echo
echo "The same by name, which sums up the short-lived ones:"
build/procscope report "$tmp/try.pscope" --by comm --top 5

step "The recording is $tmp/try.pscope ($(wc -c <"$tmp/try.pscope" | tr -d ' ') bytes). Next:"
cat <<END
build/procscope info   "$tmp/try.pscope"
build/procscope report "$tmp/try.pscope" --comm 'try-*' --last 5s
build/procscope export "$tmp/try.pscope" --table process_samples --comm try-part | head
END
