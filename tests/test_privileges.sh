#!/usr/bin/env bash
# What a recorder that was started by root keeps: the capabilities that reading other users' processes
# takes, in every thread; nothing that an exec could give it. What it records is as much as before.
set -u
build=${PROCSCOPE_BUILD_DIR:-build}
recorder=$(realpath "$build/procscoped")
analyzer=$(realpath "$build/procscope")
skip() { echo "SKIP: $*"; exit 77; }
[ -x "$recorder" ] && [ -x "$analyzer" ] || skip "no $recorder"
[ "$(id -u)" = 0 ] || skip "only root has capabilities to give up"
command -v setpriv >/dev/null || skip "no setpriv"
has=$(sed -n 's/^CapEff:\s*//p' /proc/self/status)
kept=0000000000081004 # CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_SYS_PTRACE
least=0000000000080004 # without CAP_NET_ADMIN, which only the kernel's reports of exits take
[ $((0x$has & 0x$kept)) = $((0x$kept)) ] || skip "this root has no such capabilities: $has"
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill $pid; rm -rf "$work"' EXIT
failures=0

holds() { # CLAIM COMMAND ARG...
    local claim=$1
    shift
    if "$@"; then echo "ok      $claim"; else echo "FAILED  $claim"; failures=$((failures + 1)); fi
}
start() { # OPTION...
    "$recorder" -i 200ms "$@" 2>"$work/log" &
    pid=$!
    for _ in $(seq 200); do grep -q "recording to" "$work/log" && return; sleep 0.05; done
    cat "$work/log"
}
stop() {
    kill -TERM $pid
    wait $pid
    holds "it ends well" [ $? = 0 ]
    pid=
}
of_threads() { # FIELD: the values, each once
    sed -n "s/^$1:\s*//p" /proc/$pid/task/*/status | sort -u | tr '\n' ' '
}

start -o "$work/best.pscope"
wanted=$kept
grep -q 'process source \(bpf\|iter\)' "$work/log" && wanted=$least
holds "by the best source: these capabilities in effect: $(of_threads CapEff)" \
    [ "$(of_threads CapEff)$(of_threads CapPrm)" = "$wanted $wanted " ]
stop
start --process-source fds -o "$work/own.pscope"
holds "all of its threads: $(ls /proc/$pid/task | wc -l)" [ "$(ls /proc/$pid/task | wc -l)" -ge 2 ]
holds "they have these capabilities in effect: $(of_threads CapEff)" [ "$(of_threads CapEff)" = "$kept " ]
holds "and may have no others" [ "$(of_threads CapPrm)" = "$kept " ]
holds "nor get any by an exec" [ "$(of_threads CapBnd)$(of_threads NoNewPrivs)" = "$kept 1 " ]
setpriv --reuid=65534 --regid=65534 --clear-groups bash -c \
    'for i in $(seq 20000); do echo $i; done >/dev/null; cat /proc/self/stat >/dev/null; sleep 1'
sleep 0.5
stop
"$analyzer" export "$work/own.pscope" --table process_samples --comm bash >"$work/samples"
holds "another user's IO is recorded" \
    python3 -c 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
sys.exit(not any(row["io_read_chars_total"] for row in rows))' "$work/samples"
"$analyzer" export "$work/own.pscope" --table process --format json >"$work/processes"
holds "exits are reported by the kernel" grep -q '"exit_reported":1' "$work/processes"

# Where only CAP_DAC_OVERRIDE lets it write, it keeps that.
mkdir "$work/theirs" && chown 65534 "$work/theirs" && chmod 700 "$work/theirs" "$work"
start --process-source fds -o "$work/theirs/x.pscope"
holds "in another user's directory it also keeps CAP_DAC_OVERRIDE" \
    [ "$(of_threads CapEff)" = "0000000000081006 " ]
stop
holds "the recording is one file there" [ "$(ls -A "$work/theirs")" = x.pscope ]

# A command runs as it would without the recorder.
"$recorder" -o "$work/command.pscope" -- sed -n 's/^\(CapEff\|NoNewPrivs\):\s*//p' /proc/self/status \
    >"$work/said" 2>>"$work/log"
holds "a command keeps all that there was" [ "$(tr '\n' ' ' <"$work/said")" = "$has 0 " ]
echo "$failures failed"
exit $((failures > 0))
