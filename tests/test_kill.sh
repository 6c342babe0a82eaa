#!/usr/bin/env bash
# kill -9 at random moments: the recording opens, at most a commit interval is lost, and the next
# recorder goes on in the same file. PROCSCOPE_KILL_ROUNDS: how often (default 10).
set -u
build=${PROCSCOPE_BUILD_DIR:-build}
recorder=$build/procscoped
reader=$build/procscope
[ -x "$recorder" ] && [ -x "$reader" ] || { echo "no $recorder or $reader"; exit 77; }
rounds=${PROCSCOPE_KILL_ROUNDS:-10}
work=$(mktemp -d "${TMPDIR:-/tmp}/procscope-kill-XXXXXX")
file=$work/killed.pscope
failures=0 ticks_seen=0 most_lost_ms=0 pid=
RANDOM=${PROCSCOPE_KILL_SEED:-1}
trap '[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT

# Commits come at the tick that is 0.9 s or more after the last; the rest is for a busy host. The
# closing line tells what was lost.
allowed_ms=2500

fail() { echo "FAILED: round $round: $*"; sed 's/^/    /' "$work/log"; failures=$((failures + 1)); }

# The time of the last tick in ns; nothing when no tick is in the file.
last_tick() {
    "$reader" export "$1" --table memory_samples 2>>"$work/log" | awk -F, 'NR > 1 { t = $2 } END { print t }'
}

verified() { # FILE WHAT
    "$reader" verify "$1" >"$work/verify" 2>&1 && return
    fail "$2: verify: $(cat "$work/verify")"
}

# A copy without its WAL: what the last checkpoint held, or exit 3 and words.
copied_bare() {
    "$reader" verify "$1" >"$work/verify" 2>&1
    case $? in
    0) ;;
    3) [ -s "$work/verify" ] || fail "a copy without its WAL: exit 3 and no word" ;;
    *) fail "a copy without its WAL: $(cat "$work/verify")" ;;
    esac
}

for round in $(seq "$rounds"); do
    : >"$work/log"
    interval=$((20 + RANDOM % 31))
    pause_ms=$((100 + RANDOM % 1900))
    started_ns=$(date +%s%N)
    "$recorder" -o "$file" -i "${interval}ms" >"$work/log" 2>&1 </dev/null &
    pid=$!
    copy=$((RANDOM % 2))
    if [ "$copy" = 1 ]; then
        sleep "$(printf '0.%03d' $((pause_ms / 2)))"
        rm -f "$work"/copy.pscope* "$work"/bare.pscope*
        if [ -e "$file" ] && [ -e "$file-wal" ]; then
            cp "$file" "$work/copy.pscope"
            cp "$file-wal" "$work/copy.pscope-wal"
            cp "$work/copy.pscope" "$work/bare.pscope"
        fi
        pause_ms=$((pause_ms / 2))
    fi
    sleep "$(printf '%d.%03d' $((pause_ms / 1000)) $((pause_ms % 1000)))"
    killed_ns=$(date +%s%N)
    kill -9 "$pid" || fail "it had ended by itself"
    wait "$pid" 2>/dev/null
    pid=

    if [ "$copy" = 1 ] && [ -e "$work/copy.pscope" ]; then
        verified "$work/copy.pscope" "a copy with its WAL"
        copied_bare "$work/bare.pscope"
    fi
    # Killed before the first commit of its life there may be nothing yet.
    [ -s "$file" ] || continue
    if ! "$reader" verify "$file" >"$work/verify" 2>&1; then
        [ "$ticks_seen" = 0 ] && grep -q 'not a procscope recording' "$work/verify" && continue
        fail "verify: $(cat "$work/verify")"
        continue
    fi
    last=$(last_tick "$file")
    [ -n "$last" ] && ticks_seen=1
    if [ -z "$last" ] || [ "$last" -lt "$started_ns" ]; then
        last=$started_ns # no tick of this session
    fi
    lost_ms=$(((killed_ns - last) / 1000000))
    [ "$lost_ms" -gt "$most_lost_ms" ] && most_lost_ms=$lost_ms
    [ "$lost_ms" -le "$allowed_ms" ] || fail "the last $lost_ms ms are lost"
done

# One more that ends as it should: all sessions are there, those killed were put right.
round=last
"$recorder" -o "$file" -i 50ms -d 500ms >"$work/log" 2>&1 </dev/null || fail "it does not go on"
verified "$file" "after the last session"
[ -e "$file-wal" ] && fail "a WAL is left"
sessions=$("$reader" export "$file" --table session | tail -n +2 | wc -l)
recovered=$("$reader" export "$file" --table event | grep -c recovered)
[ "$recovered" = $((sessions - 1)) ] || fail "$sessions sessions, of which $recovered were recovered"
echo "$rounds rounds, $sessions sessions, at most $most_lost_ms ms lost, $failures failures"
[ "$failures" = 0 ]
