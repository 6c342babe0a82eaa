#!/usr/bin/env bash
# What clang makes of each *_macos.c for both kinds of Macs, with the project's own declarations of what they call
# (tests/darwin). Links and Apple's own headers are not part of it.
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

checked=0 failed=0
while IFS= read -r file; do
    for target in $targets; do
        "$clang" --target=$target -std=c17 -fsyntax-only -Wall -Wextra -Werror -nostdlibinc \
            -isystem tests/darwin/include -isystem tests/darwin/libc \
            -I "$build/inc/recorder" -I "$build/inc/schema" -I "$build/inc/version" "$file" ||
            { echo "FAILED: $file for $target"; failed=$((failed + 1)); }
    done
    checked=$((checked + 1))
done < <(find recorder schema analyzer -name '*_macos.c' | sort)
echo "$checked files, $failed failures"
[ $checked -gt 15 ] && [ $failed = 0 ]
