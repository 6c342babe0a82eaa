#!/usr/bin/env bash
# tools/capture_fixture.sh: what it takes of a host, what it leaves out, and that a capture stands in for it.
set -euo pipefail
cd "${PROCSCOPE_SOURCE_DIR:-$(dirname "$0")/..}"
capture=tools/capture_fixture.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Through links, of which some lead round in a circle.
files_below() { (cd "$1" && { find -L . -type f 2>/dev/null || true; } | sort); }
fail() { echo "FAILED: $1" && exit 1; }

"$capture" --help | grep -q '^usage:' || fail "--help"
"$capture" 2>/dev/null && fail "a directory is needed"
[ "$(uname -s)" = Linux ] || { echo "SKIP: no Linux to capture"; exit 77; }

# A capture of a capture is the same: nothing that collectors read is lost, links included.
for host in host-4.9 host-laptop; do
    "$capture" --root "tests/fixtures/$host" "$work/$host" >/dev/null || fail "capture of $host"
    diff -r --no-dereference --exclude=mountinfo "tests/fixtures/$host/proc" "$work/$host/proc" ||
        fail "$host: /proc differs"
    for class in block class/net class/thermal class/hwmon class/powercap class/power_supply; do
        [ -d "tests/fixtures/$host/sys/$class" ] || continue
        files_below "tests/fixtures/$host/sys/$class" >"$work/before"
        files_below "$work/$host/sys/$class" >"$work/after"
        lost=$(comm -23 "$work/before" "$work/after" | grep -vE 'cooling_device|/AC/online|rapl/enabled' || true)
        [ -z "$lost" ] || fail "$host: $class lacks $lost"
    done
done
grep -q ' fileserver:/export ' tests/fixtures/host-4.9/proc/self/mountinfo || fail "the fixture has a share"
grep -Eq 'fileserver|10\.0\.0\.1|user_id' "$work/host-4.9/proc/self/mountinfo" && fail "names of shares are kept"
grep -q ' - ext4 /dev/sda1 ro' "$work/host-4.9/proc/self/mountinfo" || fail "a device is lost"

# This host: bounded, no environment, and command lines only when asked for.
SECRET=planted-in-the-environment "$capture" --processes 5 --file-bytes 100 "$work/here" >/dev/null
[ -s "$work/here/proc/stat" ] || fail "no /proc/stat"
[ -z "$(find "$work/here" -type f -size +100c)" ] || fail "a file is larger than asked for"
[ -z "$(find "$work/here" -name environ -o -name cmdline)" ] || fail "what was not asked for is there"
grep -rq planted-in-the-environment "$work/here" && fail "the environment was captured"
"$capture" --files 3 "$work/few" 2>"$work/said" >/dev/null
[ "$(find "$work/few" -type f | wc -l)" -le 3 ] || fail "more than --files"
grep -q 'left out' "$work/said" || fail "it does not say what was left out"
"$capture" "$work/few" 2>/dev/null && fail "a directory with something in it is overwritten"
exit 0
