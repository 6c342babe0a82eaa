#!/usr/bin/env bash
# procscoped from its command line to the file it leaves.
set -u
build=${PROCSCOPE_BUILD_DIR:-build}
recorder=$build/procscoped
[ -x "$recorder" ] || { echo "no $recorder"; exit 77; }
recorder=$(realpath "$recorder")
work=$(mktemp -d /tmp/procscope-end-XXXXXX)
log=$work/log
failures=0
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*"; sed 's/^/    /' "$log"; failures=$((failures + 1)); }
# is WHAT GOT EXPECTED
is() { [ "$2" = "$3" ] || fail "$1: got \"$2\", expected \"$3\""; }
logged() { grep -qF -- "$1" "$log" || fail "the log lacks \"$1\""; }
# run EXPECTED-STATUS ARG...
run() {
    local expected=$1
    shift
    timeout 60 "$recorder" "$@" >"$work/out" 2>"$log" </dev/null
    is "status of $*" $? "$expected"
}
alone() { # nothing but the recording is left
    is "files beside $1" "$(cd "$work" && echo "$1".*)" "$1.*"
}
query() {
    python3 -c 'import sqlite3, sys
print("|".join(str(v) for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]) for v in row))' "$@"
}
wait_for_file() {
    for _ in $(seq 100); do [ -s "$1" ] && return; sleep 0.05; done
    fail "$1 did not appear"
}

# --- options ------------------------------------------------------------------------------------
run 0 --version
grep -q '^procscoped [0-9]' "$work/out" || fail "--version"
run 0 --help
grep -q -- '--interval SPAN' "$work/out" || fail "--help"
run 2 --interval 1
logged '--interval: "1" is no time span'
run 2 --bogus
run 2 --collectors cpu,bogus -o "$work/none"
logged '"bogus" is not known; accepted are process, cpu, memory, '
run 2 --redact '(' -o "$work/none"
logged '--redact'
run 1 -o "$work/no/such/directory/x.pscope"
[ -e "$work/none" ] && fail "a refused start made a file"
run 0 --list-collectors
grep -q '^memory  *ok' "$work/out" || fail "--list-collectors"
run 0 --list-collectors --format json
python3 - "$work/out" <<'END' || fail "--list-collectors --format json"
import json, sys
rows = json.load(open(sys.argv[1]))
names = [r["name"] for r in rows]
assert names[0] == "process" and names[-1] == "recorder" and len(set(names)) == len(names), names
for row in rows:
    for what in ("description", "source", "needs", "absence"):
        assert row[what], (row["name"], what)
    assert row["status"] == "ok" or row["reason"], row
    assert all(m["name"] and m["description"] for m in row["metrics"]) and row["metrics"], row
    if row["status"] in ("ok", "partial"):
        assert row["cost_ns"] >= 0 and row["every_ticks"] >= 1, row
memory = rows[names.index("memory")]
assert memory["status"] == "ok" and memory["table"] == "memory_samples", memory
assert memory["cost_ns"] > 0, memory
END
collectors=$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$work/out")

# --- a recording of some seconds ----------------------------------------------------------------
run 0 -o "$work/a" -i 50ms -d 1s
is "mode" "$(stat -c %a "$work/a")" 640
alone a
logged "recording to $work/a every 50 ms: process, cpu, memory, "
logged "stopped (duration):"
grep -q ' \(partial\|not there\|not permitted\|unsupported\): ' "$log" &&
    logged "what that takes is told by procscoped --list-collectors"
grep -q 'every 50 ms: [a-z_, ]*, recorder;' "$log" || fail "the recorder's own row is last"
is "end" "$(query "$work/a" 'SELECT count(*), min(end_reason) FROM session')" "1|duration"
is "integrity" "$(query "$work/a" 'PRAGMA integrity_check')" ok
is "capabilities" "$(query "$work/a" 'SELECT count(*) FROM capability')" "$collectors"
ticks=$(sed -n 's/.*stopped (duration): \([0-9]*\) ticks.*/\1/p' "$log")
# a busy machine misses ticks; none makes them up
[ "${ticks:-0}" -ge 2 ] && [ "$ticks" -le 23 ] || fail "$ticks ticks in 1 s of 50 ms"

# --- one recorder per file ----------------------------------------------------------------------
echo "999999 2020-01-01T00:00:00Z" >"$work/a.lock" # left by one that was killed
"$recorder" -o "$work/a" -i 100ms 2>"$log.first" &
first=$!
for _ in $(seq 100); do grep -q recording "$log.first" && break; sleep 0.05; done
run 1 -o "$work/a"
logged "$work/a is being recorded by pid $first since 20"
ln -s a "$work/b"
run 1 -o "$work/b"
logged "is being recorded by pid $first"
rm "$work/b"
before=$(date +%s%N)
kill -TERM $first
wait $first
is "status after SIGTERM" $? 0
took=$((($(date +%s%N) - before) / 1000000))
[ $took -lt 30000 ] || fail "stopping took $took ms"
cp "$log.first" "$log"
logged "stopped (stop):"
alone a
is "sessions" "$(query "$work/a" 'SELECT group_concat(end_reason) FROM session')" "duration,stop"

# --- killed at any moment -----------------------------------------------------------------------
"$recorder" -o "$work/a" -i 50ms 2>/dev/null &
first=$!
sleep 1.5
kill -HUP $first # ignored
sleep 0.3
kill -KILL $first || fail "SIGHUP ended it"
wait $first 2>/dev/null
[ -e "$work/a.lock" ] || fail "a killed recorder leaves its lock file"
run 0 -o "$work/a" -i 50ms -d 300ms
alone a
is "sessions after a kill" "$(query "$work/a" 'SELECT count(*) FROM session')" 4
is "integrity after a kill" "$(query "$work/a" 'PRAGMA integrity_check')" ok

# --- a configuration ----------------------------------------------------------------------------
config=$work/config.json
echo '{ "interval": "100ms", "output": "'"$work/h"'" }' >"$config"
run 0 -c "$config" --check-config
logged "$config: ok"
run 0 -c "$config" -i 20ms --print-config
grep -q '"interval":.*"20ms"' "$work/out" || fail "--print-config: $(cat "$work/out")"
[ -e "$work/h" ] && fail "checking made a file"
"$recorder" -c "$config" 2>"$log" &
first=$!
said() { # WHAT: within 20 s
    for _ in $(seq 400); do grep -qF -- "$1" "$log" && return; sleep 0.05; done
    fail "the log lacks \"$1\""
}
said "recording to $work/h every 100 ms"
kill -HUP $first
said "$config says nothing new"
echo '{ "interval": "1" }' >"$config"
kill -HUP $first
said "going on as before: $config: line 1: \"interval\": \"1\" is no time span"
echo '{ "collectors": "cpu,gpus" }' >"$config"
kill -HUP $first
said 'going on as before: --collectors: "gpus"'
cpu_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; } # user, system
before=$(cpu_ticks $first)
sleep 1
spent=$(($(cpu_ticks $first) - before))
[ $spent -lt 50 ] || fail "after three SIGHUPs it spends $spent of 100 clock ticks"
echo '{ "interval": "50ms", "collectors": ["cpu", "memory"], "output": "'"$work/h"'" }' >"$config"
kill -HUP $first
said "recording to $work/h every 50 ms: cpu, memory"
echo '{ "output": "'"$work/no/such/h"'" }' >"$config"
kill -HUP $first
said "going on as before: $work/no/such/h"
sleep 0.5
kill -TERM $first
wait $first
is "status after SIGHUPs" $? 0
is "end reasons after SIGHUPs" "$(query "$work/h" 'SELECT group_concat(end_reason) FROM session')" \
    "reconfigured,reconfigured,stop"
is "intervals" "$(query "$work/h" 'SELECT group_concat(interval_ns/1000000) FROM session')" \
    "100,50,50"
is "integrity after SIGHUPs" "$(query "$work/h" 'PRAGMA integrity_check')" ok
alone h
run 1 -c "$work/no-such-config"
logged "no-such-config: No such file or directory"

# --- a command ----------------------------------------------------------------------------------
run 7 -o "$work/c" -i 100ms -- sh -c 'echo out; exit 7'
is "output of the command" "$(cat "$work/out")" out
logged "stopped (command ended): "
run 0 -o "$work/c" -i 100ms true
run 127 -o "$work/c" -- no-such-command
logged "cannot run no-such-command: No such file or directory"
run 126 -o "$work/c" -- /
run 137 -o "$work/c" -- sh -c 'kill -KILL $$'
inherits='umask; ulimit -n; ls /proc/self/fd | wc -l'
(umask 002 && ulimit -Sn 256 && run 0 -o "$work/c" -- sh -c "$inherits")
is "what the command inherits" "$(cat "$work/out")" \
    "$(umask 002; ulimit -Sn 256; sh -c "$inherits" 2>"$log" </dev/null | cat)"
if [ -r /proc/self/limits ]; then
    (ulimit -Sn 256 && ulimit -Hn 500 &&
        run 0 -o "$work/c" -- sh -c 'awk "/open files/ { print \$4 }" /proc/$PPID/limits')
    is "files that the recorder may open" "$(cat "$work/out")" 500
fi
is "end" "$(query "$work/c" 'SELECT end_reason FROM session LIMIT 1')" "command ended"
run 3 -o "$work/c" -i 50ms -d 300ms -- sh -c 'sleep 1; exit 3' # goes on without us
logged "stopped (duration)"

cat >"$work/stubborn" <<'END'
trap 'echo asked; exit 9' TERM
echo $$ >"$1"
while :; do sleep 0.1; done
END
"$recorder" -o "$work/c" -i 100ms -- sh "$work/stubborn" "$work/pid" >"$work/out" 2>"$log" &
first=$!
wait_for_file "$work/pid"
kill -TERM $first
wait $first
is "status after a forwarded SIGTERM" $? 9
is "the command was asked" "$(cat "$work/out")" asked
logged "stopped (command ended)"

# --- another user's default path ----------------------------------------------------------------
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    mkdir "$work/state" && chmod 777 "$work" "$work/state"
    cp "$recorder" "$work/procscoped" && chmod 755 "$work/procscoped"
    XDG_STATE_HOME=$work/state timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups \
        "$work/procscoped" -i 50ms -d 300ms 2>"$log"
    is "status as nobody" $? 0
    is "files as nobody" "$(cd "$work/state" && find . -type f)" "./procscope/$(uname -n).pscope"
    is "mode of the directory" "$(stat -c %a "$work/state/procscope")" 750
fi

# --- a full disk --------------------------------------------------------------------------------
cat >"$work/full" <<'END'
mount -t tmpfs -o size=2m tmpfs "$2" || exit 77
# What others do at the same time must not fill so small a disk once more.
"$1" -o "$2/f" -i 20ms --collectors cpu,memory,recorder 2>"$3" &
recorder=$!
for _ in $(seq 300); do grep -q 'recording to' "$3" && break; sleep 0.1; done
sleep 0.5
head -c 4m /dev/zero >"$2/filler" 2>/dev/null
for _ in $(seq 100); do grep -q 'cannot write' "$3" && break; sleep 0.1; done
# as many ticks wait as there is room for
for _ in $(seq 300); do "$5" status "$2/f" | grep -q 'dropped [1-9]' && break; sleep 0.1; done
rm "$2/filler"
for _ in $(seq 100); do grep -q 'writing works again' "$3" && break; sleep 0.1; done
kill -TERM $recorder
wait $recorder || exit 1
cp "$2/f" "$4"
END
if unshare -m true 2>/dev/null; then
    mkdir "$work/mnt"
    timeout 120 unshare -m bash "$work/full" "$recorder" "$work/mnt" "$log" "$work/f" "$build/procscope"
    status=$?
    if [ $status != 77 ]; then
        is "status after a full disk" $status 0
        logged "cannot write, will go on trying"
        logged "writing works again"
        is "integrity after a full disk" "$(query "$work/f" 'PRAGMA integrity_check')" ok
        is "events" "$(query "$work/f" "SELECT DISTINCT kind FROM event WHERE kind='dropped'")" \
            dropped
    fi
fi

# --- a recording that is taken away ---------------------------------------------------------------
away=$work/away
mkdir "$away"
"$recorder" -o "$away/f" -i 50ms 2>"$log" &
first=$!
said "recording to $away/f"
wait_for_file "$away/f"
sleep 0.5
mv "$away/f" "$work/moved"
said "$away/f was removed or replaced; a new recording begins there"
wait_for_file "$away/f"
is "integrity of what was moved" "$(query "$work/moved" 'PRAGMA integrity_check')" ok
"$build/procscope" verify "$work/moved" >/dev/null || fail "what was moved is not whole"
is "its end" "$(query "$work/moved" 'SELECT end_reason FROM session')" removed
rm -r "$away"
said "$away/f was removed with its directory"
kill -0 $first || fail "it ended with its directory"
mkdir "$away"
wait_for_file "$away/f"
sleep 0.5
kill -TERM $first
wait $first || fail "status after its recording was taken away"
is "what is left there" "$(ls "$away")" f
"$build/procscope" verify "$away/f" >/dev/null || fail "what was begun anew is not whole"
is "starts of it" "$(query "$away/f" 'SELECT count(*) FROM session')" 1

[ $failures = 0 ] && echo "all passed"
exit $((failures > 0))
