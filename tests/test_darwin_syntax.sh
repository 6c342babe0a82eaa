#!/usr/bin/env bash
# What clang makes of every file that a Mac's build has: the *_macos.c for both kinds of Macs, the shared ones for one,
# with the project's own declarations (tests/darwin). Linking and Apple's own headers are not part of it; of libcurl and
# ncurses the headers are left out.
set -euo pipefail
cd "${PROCSCOPE_SOURCE_DIR:-$(dirname "$0")/..}"
build=${PROCSCOPE_BUILD_DIR:-build}

clang=$(command -v clang || command -v clang-14 || true)
[ -n "$clang" ] || { echo "SKIP: no clang"; exit 77; }
targets="arm64-apple-macos13 x86_64-apple-macos11"
for target in $targets; do
    echo 'int x;' | "$clang" --target=$target -fsyntax-only -x c - 2>/dev/null ||
        { echo "SKIP: $clang has no target $target"; exit 77; }
done

# Headers of libraries, without those of the C library beside them.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/cjson"
for header in sqlite3.h zstd.h zstd_errors.h cjson/cJSON.h; do
    path=$(echo "#include <$header>" | "$clang" -E -x c - | sed -n "s|^# 1 \"\(/.*/$header\)\".*|\1|p" | head -n 1)
    [ -n "$path" ] || { echo "SKIP: no $header"; exit 77; }
    ln -s "$path" "$work/$header"
done

check() { # FILE TARGET...
    local file=$1 target
    shift
    for target in "$@"; do
        "$clang" --target=$target -std=c17 -fsyntax-only -Wall -Wextra -Werror -nostdlibinc \
            -isystem tests/darwin/include -isystem tests/darwin/libc -isystem "$work" \
            -I "$build/inc/recorder" -I "$build/inc/schema" -I "$build/inc/analyzer" -I "$build/inc/version" -I "$build/inc/tools" \
            -I "$build/embedded/schema" -I "$build/embedded/recorder" \
            -DPROCSCOPE_CURL_MISSING='"not part of this check"' \
            -DPROCSCOPE_CURSES_MISSING='"not part of this check"' "$file" ||
            { echo "FAILED: $file for $target"; failed=$((failed + 1)); }
    done
    checked=$((checked + 1))
}

checked=0 failed=0
while IFS= read -r file; do
    case $file in
    *_macos.c) check "$file" $targets ;;
    *) check "$file" "${targets%% *}" ;; # nothing in it depends on the processor
    esac
done < <(find recorder schema analyzer tools/pslist*_macos.c -name '*.c' ! -name '*_linux.c' ! -name '*.bpf.c' | sort)
echo "$checked files, $failed failures"
[ $checked -gt 100 ] && [ $failed = 0 ]
