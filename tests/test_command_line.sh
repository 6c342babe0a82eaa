#!/usr/bin/env bash
# procscope from the outside: subcommands, help, exit status, and the messages people meet first.
set -euo pipefail

source_dir=${PROCSCOPE_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
build_dir=${PROCSCOPE_BUILD_DIR:-$source_dir/build}
procscope=$build_dir/procscope

for program in "$procscope" "$build_dir/make_recording"; do
    if [ ! -x "$program" ]; then
        echo "skipped: no $program"
        exit 77
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect STATUS PATTERN ARGUMENT...: exit status, and a pattern somewhere in the output
expect() {
    local status=$1 pattern=$2 got=0
    shift 2
    "$procscope" "$@" > output 2>&1 || got=$?
    [ "$got" = "$status" ] || fail "procscope $*: exit $got, not $status: $(head -c 300 output)"
    grep -q -e "$pattern" output || fail "procscope $*: no '$pattern' in: $(head -c 300 output)"
}

make() {
    "$build_dir/make_recording" "$@" > /dev/null
}
make r.pscope --processes 20 --seconds 90 --births 1 --missing --seed 4
make killed.pscope --processes 5 --seconds 30 --unclean --seed 5

echo "== usage"
expect 2 "usage: procscope COMMAND"
expect 0 "usage: procscope COMMAND" --help
expect 0 "usage: procscope COMMAND" help
expect 0 "^procscope [0-9]" --version
expect 2 "no command exprot" exprot
for command in info report timeline export verify; do
    expect 0 "usage: procscope $command" help "$command"
    expect 0 "usage: procscope $command" "$command" --help
    expect 0 "usage: procscope $command" "$command" r.pscope --help
    expect 2 "unknown option --nonsense" "$command" r.pscope --nonsense
    expect 1 "No such file" "$command" nowhere.pscope
    case $command in
    info | verify) expect 2 "one at a time" "$command" r.pscope killed.pscope ;;
    *) expect 1 "ask each of them" "$command" r.pscope killed.pscope ;;
    esac
done
expect 0 "usage: procscope extract" extract --help
expect 2 "say with -o" extract r.pscope
expect 1 "No such file" extract nowhere.pscope -o part.pscope
expect 2 "such a file already" extract r.pscope -o killed.pscope
expect 0 "blocks from .*; 0 texts redacted" extract r.pscope -o part.pscope --redact nobody
expect 0 "^ok: [0-9]* blocks" verify part.pscope
expect 2 "did you mean --table?" export r.pscope --tabel x
expect 2 "--table wants a value" export r.pscope --table
expect 2 "say which table" export r.pscope
expect 2 "none of that name" export r.pscope --table nosuch
expect 2 "has no processes" export r.pscope --table cpu_samples --pid 1
expect 2 "no samples of that name" timeline r.pscope --table nosuch
expect 2 "has no processes" timeline r.pscope --table cpu_samples --pid 1
expect 2 "has no processes" timeline r.pscope --table cpu_samples --by comm
expect 2 "it is total, entity" timeline r.pscope --by nosuch
expect 2 "no column nosuch" timeline r.pscope --columns time,nosuch
expect 2 "named twice" timeline r.pscope --columns time,cpu_ns_total,cpu_seconds
expect 2 "no time passes" timeline r.pscope --step 0s
expect 2 "take a longer one" timeline r.pscope --step 1ns
expect 0 "^cpu_percent_mean$" timeline r.pscope --columns help
expect 2 "is not table, csv, json or ndjson" export r.pscope --table event --format xml
expect 2 "contradict\|empty\|before\|not" export r.pscope --table event --from @5 --to @4
expect 2 "recording itself" export r.pscope --table event -o r.pscope
expect 1 "not a procscope recording" info "$source_dir/LICENSE"
: > empty.pscope
expect 1 "not a procscope recording" verify empty.pscope

echo "== the default recording"
if [ "$(id -u)" != 0 ]; then
    export XDG_STATE_HOME=$work/state
    expect 1 "$work/state/procscope/$(uname -n).pscope" info
    mkdir -p "state/procscope"
    cp r.pscope "state/procscope/$(uname -n).pscope"
    expect 0 "recording" info
elif [ ! -e "/var/lib/procscope/$(uname -n).pscope" ]; then
    expect 1 "/var/lib/procscope/$(uname -n).pscope is not there" info
fi

echo "== info and verify"
expect 0 "process_samples" info r.pscope
expect 0 "run as root" info r.pscope
expect 0 "no clean end" info killed.pscope
expect 0 "^ok: [0-9]* blocks, [0-9]* rows" verify r.pscope
expect 0 "no clean end" verify killed.pscope
expect 0 "^ok: it opens" verify --quick r.pscope
expect 0 '"unclean":true' info killed.pscope --format json
if command -v python3 > /dev/null; then
    "$procscope" info r.pscope --format json | python3 -m json.tool > /dev/null ||
        fail "info --format json is no JSON"
fi

echo "== damage"
cp r.pscope damaged.pscope
size=$(stat -c %s damaged.pscope 2> /dev/null || stat -f %z damaged.pscope)
for part in 3 4 5 6 7; do
    printf '\377\377\377\377' |
        dd of=damaged.pscope bs=1 seek=$((size / 8 * part + 100)) conv=notrunc 2> /dev/null
done
expect 3 "can be read\|nothing was read" verify damaged.pscope
head -c $((size / 2)) r.pscope > cut.pscope
expect 3 "nothing was read" info cut.pscope

echo "== output"
"$procscope" export r.pscope --table process_samples > all.csv
"$procscope" export r.pscope --table process_samples -o out.csv
cmp all.csv out.csv || fail "-o differs from standard output"
"$procscope" export r.pscope --table=process_samples --output=out.csv
cmp all.csv out.csv || fail "--output= differs from standard output"
got=0
"$procscope" export r.pscope --table process_samples 2> errors | head -n 1 > /dev/null || got=$?
[ ! -s errors ] || fail "a closed pipe is worth no message: $(cat errors)"
if [ -w /dev/full ]; then
    expect 1 "No space left" export r.pscope --table process_samples -o /dev/full
    expect 1 "No space left" export r.pscope --table event --format json -o /dev/full
fi

[ "$failures" = 0 ] || exit 1
echo "all as expected"
