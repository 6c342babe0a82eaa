#!/usr/bin/env bash
# Recordings of every format version, kept in tests/golden/: what is read from them never changes.
# NAME.pscope has NAME.sums beside it: a SHA-256 of each table's export, and of the report.
# A new version adds a recording; --update writes the sums of those that have none.
set -u
cd "${PROCSCOPE_SOURCE_DIR:-$(dirname "$0")/..}" || exit 1
procscope="${PROCSCOPE_BUILD_DIR:-build}/procscope"
if [ ! -x "$procscope" ]; then
    echo "SKIP: $procscope is not built"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

sums() { # RECORDING
    local table reasons
    "$procscope" export "$1" --list | tail -n +2 | while read -r table _; do
        reasons=
        case $table in *_samples) reasons=--missing-reasons ;; esac
        "$procscope" export "$1" --table "$table" --format csv $reasons >"$work/rows" ||
            echo "FAILED  $table of $1 cannot be exported" >&2
        printf '%s  %s\n' "$(sha256sum <"$work/rows" | cut -d ' ' -f 1)" "$table"
    done
    "$procscope" report "$1" --format csv --top 0 2>"$work/trust" | sha256sum |
        sed 's/ .*/  report/'
}

for recording in tests/golden/*.pscope; do
    cp "$recording" "$work/copy.pscope" # reading must not change the one that is kept
    stored="${recording%.pscope}.sums"
    sums "$work/copy.pscope" >"$work/sums"
    if [ "${1-}" = --update ] && [ ! -e "$stored" ]; then
        cp "$work/sums" "$stored"
    fi
    # What it had is as it was; later versions may have more tables.
    if "$procscope" verify "$work/copy.pscope" && ! grep -vxF -f "$work/sums" "$stored"; then
        passed=$((passed + 1))
    else
        echo "FAILED  $recording is read otherwise than before"
        failed=$((failed + 1))
    fi
    rm -f "$work"/copy.pscope*
done
echo "$passed passed, $failed failed"
[ "$passed" -gt 0 ] && [ "$failed" = 0 ]
