#!/usr/bin/env bash
# A recorded command from start to report, and that both programs' help names only what exists.
set -u
build=${PROCSCOPE_BUILD_DIR:-build}
skip() { echo "SKIP: $*"; exit 77; }
for program in procscoped procscope tests/load_linux; do
    [ -x "$build/$program" ] || skip "no $build/$program"
done
build=$(realpath "$build")
recorder=$build/procscoped
analyzer=$build/procscope
load=$build/tests/load_linux
work=$(mktemp -d /tmp/procscope-command-XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

holds() { # CLAIM COMMAND ARG...
    local claim=$1
    shift
    if "$@"; then
        echo "ok      $claim"
    else
        echo "FAILED  $claim"
        failures=$((failures + 1))
    fi
}
# status EXPECTED COMMAND ARG...: its output is in out, its errors in error
status() {
    local expected=$1 got=0
    shift
    timeout 60 "$@" >out 2>error </dev/null || got=$?
    holds "status $expected of $(basename "$1") ${*:2}" [ $got = "$expected" ]
}
said() { holds "it says \"$1\"" grep -qF -e "$1" out error; }
# cell FILE PID COLUMN
cell() {
    "$analyzer" report "$1" --pid "$2" --columns "$3" --no-remainder --format csv 2>>log |
        tail -n +2 | tr -d '\r' | cut -d , -f 1 # a column that says what the row is may follow
}
between() { # NUMBER LOW HIGH
    awk -v x="${1:-none}" -v low="$2" -v high="$3" 'BEGIN { exit !(x >= low && x <= high) }'
}

# --- what a command returns is what procscoped returns --------------------------------------------
status 0 "$recorder" -o status -- true
status 3 "$recorder" -o status -- sh -c 'exit 3'
status 127 "$recorder" -o status -- ./no-such-command
said "No such file or directory"
: >not-executable
status 126 "$recorder" -o status -- ./not-executable
said "Permission denied"
status 143 "$recorder" -o status -- sh -c 'kill -TERM $$'
status 0 "$recorder" -o status -d 300ms -- true
status 0 "$analyzer" verify status
status 0 "$analyzer" report status --by comm --top 0

# --- a command shorter than the interval ----------------------------------------------------------
LOAD="burn 0.05 say end" status 0 "$recorder" -o short -i 1s -- "$load" "an argument"
pid=$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p' out)
used=$(sed -n 's/.*"cpu_seconds": \([0-9.]*\).*/\1/p' out)
used_max=$(awk -v x="$used" 'BEGIN { print x + 0.02 }')
if grep -q 'exits by taskstats' <("$analyzer" info short); then
    got=$(cell short "$pid" cpu_seconds)
    holds "a command of 50 ms used ${got:-nothing} s by the report, $used s by getrusage" \
        between "$got" "$used" "$used_max"
    holds "it has its name" [ "$(cell short "$pid" comm)" = load_linux ]
    holds "and its exit code" [ "$(cell short "$pid" exit_code)" = 0 ]
else
    echo "not judged: a command shorter than the interval, for want of exit reports"
fi
LOAD="burn 0.3 linger 0.3 say end" status 0 "$recorder" -o longer -i 100ms -- "$load" "an argument"
pid=$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p' out)
holds "one that a tick has seen has its command line" \
    [ "$(cell longer "$pid" cmdline)" = "$load an argument" ]

# --- duration, a signal, two recorders, a stale lock ----------------------------------------------
status 0 "$recorder" -o twice -i 100ms -d 500ms
said "stopped (duration)"
"$recorder" -o twice -i 100ms 2>first &
first=$!
for _ in $(seq 200); do grep -qs 'recording to' first && break; sleep 0.05; done
status 1 "$recorder" -o twice -i 100ms -d 500ms
said "is being recorded by pid $first since"
kill -KILL $first
wait $first 2>>log
holds "a killed recorder leaves a stale lock" [ -s twice.lock ]
"$recorder" -o twice -i 100ms 2>second &
second=$!
for _ in $(seq 200); do grep -qs 'recording to' second && break; sleep 0.05; done
sleep 0.5
kill -TERM $second
wait $second
holds "the next one takes it over and ends well on SIGTERM" [ $? = 0 ]
holds "one file remains" [ "$(echo twice*)" = twice ]
status 0 "$analyzer" verify twice
status 0 "$analyzer" info twice

# --- exit status of the analyzer ------------------------------------------------------------------
status 1 "$analyzer" report missing
said "No such file or directory"
status 2 "$analyzer" report longer --colums comm
said "did you mean --columns?"
status 2 "$analyzer" report longer --columns nosuch
status 2 "$analyzer" report longer --by nosuch
status 2 "$analyzer" nosuch longer
: >empty
status 1 "$analyzer" report empty
said "not a procscope recording"
status 1 "$analyzer" report "$analyzer"
said "not a procscope recording"
head -c $(($(stat -c %s longer) / 2)) longer >cut
status 3 "$analyzer" report cut
said "damaged or cut off"
status 3 "$analyzer" verify cut

# --- help names only what exists ------------------------------------------------------------------
options_in() { # every word of a help that is an option
    grep -oE '(^|[][ |(,"])-(-[a-z][a-z-]*|[a-zA-Z])\b' "$1" | grep -oE -- '-[-a-zA-Z]+' | sort -u
}
"$analyzer" --help >help
commands=$(sed -n '/^usage/,/^$/d; s/^  \([a-z]*\)  .*/\1/p' help)
holds "help lists commands: $(echo $commands)" [ "$(echo "$commands" | wc -l)" -ge 3 ]
for command in $commands; do
    "$analyzer" "$command" --help >help
    unknown=
    for option in $(options_in help); do
        "$analyzer" "$command" missing "$option" >out 2>error
        ! grep -q 'unknown option' error || unknown="$unknown $option"
    done
    holds "$command: $(options_in help | wc -l) options in its help, unknown:${unknown:- none}" \
        [ -z "$unknown" ]
done
"$recorder" --help >help
unknown=
for option in $(options_in help); do
    # The first may be its value.
    timeout 20 "$recorder" "$option" --no-such --no-such >out 2>error
    ! grep -qF -e " $option is no option" error || unknown="$unknown $option"
done
holds "procscoped: $(options_in help | wc -l) options in its help, unknown:${unknown:- none}" \
    [ -z "$unknown" ]
echo "$failures failed"
exit $((failures > 0))
