#!/usr/bin/env bash
# Another user who may read a recording gets the report that root gets: of one left by a clean stop,
# by a kill, and of one being written; from a directory that is not theirs and from read-only media.
set -u
build=${PROCSCOPE_BUILD_DIR:-build}
recorder=$(realpath "$build/procscoped")
skip() { echo "SKIP: $*"; exit 77; }
[ -x "$recorder" ] && [ -x "$build/procscope" ] || skip "no $recorder"
[ "$(id -u)" = 0 ] || skip "only root can become another user"
command -v setpriv >/dev/null || skip "no setpriv"
other=65534
work=$(mktemp -d /tmp/procscope-permissions-XXXXXX)
running=
trap '[ -z "$running" ] || kill $running; rm -rf "$work"' EXIT
failures=0

fail() { echo "FAILED  $*"; failures=$((failures + 1)); }
pass() { echo "ok      $*"; }
holds() { # CLAIM COMMAND ARG...
    local claim=$1
    shift
    if "$@"; then pass "$claim"; else fail "$claim"; fi
}

mkdir "$work/files" "$work/mount" "$work/out"
chmod 755 "$work" "$work/files" "$work/mount"
cp "$build/procscope" "$work/procscope" && chmod 755 "$work/procscope"
analyzer=$work/procscope

as_other() { setpriv --reuid=$other --regid=$other --clear-groups "$@"; }
record() { exec "$recorder" -i 200ms "$@" 2>>"$work/log"; } # to be called as (record) or record &
names() { (cd "$work/files" && ls -A | tr '\n' ' '); }
wait_for() { # FILE
    for _ in $(seq 200); do [ -s "$1" ] && return; sleep 0.05; done
    fail "$1 did not appear"
}

# same NAME FILE OPTION...: both users get one report, and reading leaves nothing behind
same() {
    local name=$1 file=$2 before
    shift 2
    before=$(names)
    "$analyzer" report "$file" --format json "$@" >"$work/out/root" 2>"$work/out/error" ||
        fail "$name: root: $(cat "$work/out/error")"
    as_other "$analyzer" report "$file" --format json "$@" >"$work/out/other" 2>"$work/out/error" ||
        fail "$name: another user: $(cat "$work/out/error")"
    # how much is still in the tail changes while it is being written
    sed -i 's/; the last [0-9.]* s came from the tail//' "$work/out/root" "$work/out/other"
    holds "$name: the same report of $(wc -l <"$work/out/root") lines" \
        cmp "$work/out/root" "$work/out/other"
    holds "$name: it has processes" grep -q '"row":"process"' "$work/out/other"
    as_other "$analyzer" info "$file" >/dev/null 2>"$work/out/error" ||
        fail "$name: info: $(cat "$work/out/error")"
    holds "$name: nothing is left behind" [ "$(names)" = "$before" ]
}

# --- recordings: cleanly stopped, killed, being written -------------------------------------------
(record -o "$work/files/clean" -d 2s)
record -o "$work/files/killed" &
pid=$!
sleep 2.5
kill -KILL $pid
wait $pid 2>>"$work/log"
holds "a killed recorder leaves its WAL" [ -s "$work/files/killed-wal" ]
cp -p "$work/files/killed" "$work/files/copied" # as from another machine
cp -p "$work/files/killed-wal" "$work/files/copied-wal"
(record -o "$work/files/written" -d 600ms)
cp -p "$work/files/clean" "$work/files/private"
chgrp $other "$work/files/clean" "$work/files/killed"* "$work/files/copied"* "$work/files/written"
record -o "$work/files/written" &
running=$!
wait_for "$work/files/written-wal"
sleep 3
now=$(date +%s)
window=(--from "@$((now - 2))" --to "@$now") # in it, these do not change any more
window+=(--columns pid,start_time,user,comm,cpu_seconds,cpu_percent_max,resident_bytes_max,row)
for _ in $(seq 200); do # all of that window is to be in the file
    last=$("$analyzer" export "$work/files/written" --table memory_samples | tail -n 1 | cut -d, -f2)
    [ "${last:-0}" -gt "${now}000000000" ] && break
    sleep 0.1
done

holds "the recording's mode" [ "$(stat -c %a "$work/files/written")" = 640 ]
holds "its WAL has the same mode and group" \
    [ "$(stat -c %a:%g "$work/files/written-wal")" = "640:$other" ]

# --- in place -------------------------------------------------------------------------------------
same clean "$work/files/clean"
same killed "$work/files/killed"
same "killed, no shm" "$work/files/copied"
same written "$work/files/written" "${window[@]}"
as_other "$analyzer" report "$work/files/private" >/dev/null 2>"$work/out/error"
holds "no permission is status 1" [ $? = 1 ]
holds "and says so: $(cat "$work/out/error")" grep -qi 'permission denied' "$work/out/error"

# --- read-only media ------------------------------------------------------------------------------
if unshare -m true 2>/dev/null; then
    export -f same fail pass holds as_other names
    export work analyzer other
    read_only() { # NAME FILE OPTION...
        local name=$1 file=$2
        shift 2
        unshare -m bash -c '
            failures=0
            mount --bind "$work/files" "$work/mount" &&
                mount -o remount,bind,ro "$work/mount" || exit 1
            ! touch "$work/mount/probe" 2>/dev/null || fail "the mount is not read-only"
            same "$@"
            exit $((failures > 0))' bash "read-only, $name" "$work/mount/$file" "$@" ||
            failures=$((failures + 1))
    }
    read_only clean clean
    read_only killed killed
    read_only "killed, no shm" copied
    read_only written written "${window[@]}"
else
    echo "not judged: read-only media, for want of mount namespaces"
fi

# --- the writer does not mind its readers ---------------------------------------------------------
kill -TERM $running
wait $running
holds "the recorder ends well" [ $? = 0 ]
running=
same "written, later" "$work/files/written"
holds "one file remains of it" [ "$(cd "$work/files" && echo written*)" = written ]
# --- a directory where others may put links -------------------------------------------------------
mkdir "$work/shared" && chown $other "$work/shared" && chmod 1777 "$work/shared"
record_there() { (record -o "$1" -d 300ms); }
if record_there "$work/shared/taken"; then
    fail "a recording in a directory of another user that all may write to was begun"
else
    holds "a directory of another user that all may write to is refused, by name" \
        grep -q "everybody may write to $work/shared" "$work/log"
fi
holds "and nothing is created there" [ -z "$(ls -A "$work/shared")" ]
ln -s "$work/shared/elsewhere" "$work/link"
: >"$work/shared/elsewhere"
if record_there "$work/link"; then
    fail "a link into such a directory was followed"
else
    pass "nor is a link into it followed"
fi
chown 0 "$work/shared"
holds "one's own may be such" record_there "$work/shared/mine"
holds "a recording is 0640" [ "$(stat -c %a "$work/shared/mine")" = 640 ]

echo "$failures failed"
exit $((failures > 0))
