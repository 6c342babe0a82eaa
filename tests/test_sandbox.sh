#!/usr/bin/env bash
# The sandbox from the outside: every thread of the recorder is in it, a command is not; what is recorded
# is as much as without, and nothing that the recorder does on its ways is refused.
set -u
build=${PROCSCOPE_BUILD_DIR:-build}
recorder=$(realpath "$build/procscoped")
analyzer=$(realpath "$build/procscope")
skip() { echo "SKIP: $*"; exit 77; }
[ -x "$recorder" ] && [ -x "$analyzer" ] || skip "no $recorder"
off=$("$recorder" --list-collectors | sed -n 's/^sandbox: off, //p')
[ -z "$off" ] || skip "no sandbox: $off"
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$work"' EXIT
failures=0

holds() { # CLAIM COMMAND ARG...
    local claim=$1
    shift
    if "$@"; then echo "ok      $claim"; else echo "FAILED  $claim"; failures=$((failures + 1)); fi
}
said() { # TIMES WORDS: within 20 s
    for _ in $(seq 400); do
        [ "$(grep -c "$2" "$work/log")" -ge "$1" ] && return
        sleep 0.05
    done
    cat "$work/log"
    return 1
}
start() { # PROGRAM ARG...
    : >"$work/log"
    "$@" 2>>"$work/log" &
    pid=$!
    said 1 "recording to"
}
stop() {
    kill -TERM $pid
    wait $pid
    holds "it ends well" [ $? = 0 ]
    pid=
}
modes() { sed -n 's/^Seccomp:\s*//p' /proc/$pid/task/*/status | sort -u | tr '\n' ' '; }

# --- who is in it --------------------------------------------------------------------------------
start "$recorder" -i 100ms -o "$work/on.pscope"
holds "all of its threads: $(ls /proc/$pid/task | wc -l)" [ "$(ls /proc/$pid/task | wc -l)" -ge 3 ]
holds "are filtered: $(modes)" [ "$(modes)" = "2 " ]
sleep 0.5
stop
start "$recorder" -i 100ms -o "$work/off.pscope" --no-sandbox
holds "with --no-sandbox none is: $(modes)" [ "$(modes)" = "0 " ]
sleep 0.5
stop
before=$(sed -n 's/^Seccomp:\s*//p' /proc/self/status)
holds "a command is as without us" [ "$("$recorder" -o "$work/command.pscope" -- \
    sed -n 's/^Seccomp:\s*//p' /proc/self/status 2>/dev/null)" = "$before" ]
holds "the list says that it is off" \
    grep -q '^sandbox: off, --no-sandbox$' <("$recorder" --list-collectors --no-sandbox)

# --- as much is recorded -------------------------------------------------------------------------
facts() { # RECORDING: capabilities, and the tables that have rows
    "$analyzer" export "$1" --table capability | cut -d, -f2- | sort
    "$analyzer" export "$1" --list | grep '^[a-z]*_samples' | while read -r table _; do
        rows=$("$analyzer" export "$1" --table "$table" 2>/dev/null | wc -l)
        [ "$rows" -le 1 ] || echo "$table"
    done
}
facts "$work/off.pscope" >"$work/facts.off"
facts "$work/on.pscope" >"$work/facts.on"
holds "the same capabilities and tables: $(wc -l <"$work/facts.off") lines" \
    diff "$work/facts.off" "$work/facts.on"
holds "among them samples" grep -q '^process_samples$' "$work/facts.on"

# --- nothing is refused --------------------------------------------------------------------------
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    traced() { strace -D -f -qq -e 'status=failed' -o "$work/trace.$1" "$recorder" "${@:2}"; }
    export -f traced
    export work recorder
    echo '{ "interval": "20ms", "max-size": "2M" }' >"$work/config.json"
    # Killed, recovered, reconfigured, stopped.
    start bash -c 'traced killed -i 20ms -o "$work/way.pscope"; true'
    sleep 1
    kill -9 "$(sed -n 's/ .*//p' "$work/way.pscope.lock")"
    wait $pid 2>/dev/null
    start bash -c 'traced way -c "$work/config.json" -o "$work/way.pscope"'
    main=$(sed -n 's/ .*//p' "$work/way.pscope.lock")
    echo '{ "interval": "50ms", "max-size": "2M" }' >"$work/config.json"
    kill -HUP "$main"
    holds "a new configuration is taken" said 2 "recording to"
    sleep 1
    kill -TERM "$main"
    wait $pid
    holds "it ends well" [ $? = 0 ]
    pid=
    holds "the kernel was asked" [ -s "$work/trace.way" ]
    # libc asks for clone3 first, which a filter cannot look into.
    refused=$(cat "$work"/trace.* | grep ENOSYS | grep -v clone3 | sort | uniq -c)
    holds "no call is refused but clone3: $refused" [ -z "$refused" ]
    holds "and that one is" grep -q 'clone3.*ENOSYS' "$work/trace.way"
else
    echo "not judged: what is refused, for want of strace"
fi
echo "$failures failed"
exit $((failures > 0))
