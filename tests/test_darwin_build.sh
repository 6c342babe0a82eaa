#!/usr/bin/env bash
# What clang makes of every file that a Mac's build has, with the project's own declarations (tests/darwin): the *_macos.c and all of
# the recorder for both kinds of Macs, the rest for one. Then, where lld is there, the programs are linked as Mach-O against stubs made of
# tests/darwin/symbols.txt, so that what no library of a Mac has is told. Apple's own headers and libraries are not part of it; of
# libcurl, ncurses and the page the headers are left out.
set -euo pipefail
cd "${PROCSCOPE_SOURCE_DIR:-$(dirname "$0")/..}"
build=${PROCSCOPE_BUILD_DIR:-build}

clang=$(command -v clang || command -v clang-14 || true)
[ -n "$clang" ] || { echo "SKIP: no clang"; exit 77; }
arm=arm64-apple-macos13 intel=x86_64-apple-macos11
for target in $arm $intel; do
    echo 'int x;' | "$clang" --target=$target -fsyntax-only -x c - 2>/dev/null ||
        { echo "SKIP: $clang has no target $target"; exit 77; }
done
lld=$(command -v ld64.lld || command -v ld64.lld-14 || true)
nm=$(command -v llvm-nm || command -v llvm-nm-14 || true)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/cjson" "$work/lib" "$work/F"

# Headers of libraries, without those of the C library beside them.
for header in sqlite3.h zstd.h zstd_errors.h cjson/cJSON.h; do
    path=$(echo "#include <$header>" | "$clang" -E -x c - | sed -n "s|^# 1 \"\(/.*/$header\)\".*|\1|p" | head -n 1)
    [ -n "$path" ] || { echo "SKIP: no $header"; exit 77; }
    ln -s "$path" "$work/$header"
done

# --- every file as an object ---

compile() { # TARGET FILE
    local object
    object=$work/objects/$1/${2//\//:}.o
    "$clang" --target="$1" -std=c17 -c -O0 -Wall -Wextra -Werror -nostdlibinc \
        -isystem tests/darwin/include -isystem tests/darwin/libc -isystem "$work" \
        -I "$build/inc/recorder" -I "$build/inc/schema" -I "$build/inc/analyzer" -I "$build/inc/version" -I "$build/inc/tools" \
        -I "$build/embedded/schema" -I "$build/embedded/recorder" \
        -DPROCSCOPE_CURL_MISSING='"not part of this check"' \
        -DPROCSCOPE_CURSES_MISSING='"not part of this check"' \
        -DPROCSCOPE_HTML_MISSING='"not part of this check"' -o "$object" "$2" ||
        echo "$2 for $1" >>"$work/failed"
}
export -f compile
export clang build work

of_both() { # the recorder and what it is made of
    find recorder schema "$build/embedded/schema" -name '*.c' ! -name '*_linux.c' ! -name '*.bpf.c' | sort
    find analyzer -name '*_macos.c'
}

mkdir -p "$work/objects/$arm" "$work/objects/$intel"
: >"$work/failed"
{
    of_both | sed "s/^/$arm /"
    of_both | sed "s/^/$intel /"
    find analyzer -name '*.c' ! -name '*_linux.c' ! -name '*_macos.c' | sed "s/^/$arm /"
    find tools -name 'pslist*_macos.c' | sed "s/^/$arm /"
} >"$work/all"
xargs -P 2 -L 1 bash -c 'compile "$0" "$1"' <"$work/all"
sed 's/^/FAILED: /' "$work/failed"
echo "$(wc -l <"$work/all") objects, $(wc -l <"$work/failed") failures"
[ "$(wc -l <"$work/all")" -gt 250 ] && [ ! -s "$work/failed" ]

# --- programs ---

if [ -z "$lld" ] || [ -z "$nm" ]; then
    echo "SKIP: no ld64.lld or llvm-nm: compiled, but not linked"
    exit 77
fi

stub() { # FILE INSTALL-NAME < symbols
    {
        printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-macos, x86_64-macos ]\ninstall-name: "%s"\n' "$2"
        printf 'exports:\n  - targets: [ arm64-macos, x86_64-macos ]\n    symbols: [ %s ]\n...\n' "$(paste -sd, -)"
    } >"$1"
}

listed() { # LIBRARY
    awk -v library="$1:" '/^#/ || NF == 0 { next } /:$/ { inside = $0 == library; next } inside' tests/darwin/symbols.txt
}

archive=$(command -v llvm-ar || command -v llvm-ar-14)
links="-lSystem -lcompiler-rt -lsqlite3 -lzstd -lcjson"
stub "$work/lib/libSystem.tbd" /usr/lib/libSystem.B.dylib < <(listed System)
stub "$work/lib/libcompiler-rt.tbd" /usr/lib/libcompiler_rt.dylib < <(listed compiler-rt)
for name in $(sed -n 's/^\(.*\)\.framework:$/\1/p' tests/darwin/symbols.txt); do
    mkdir -p "$work/F/$name.framework"
    stub "$work/F/$name.framework/$name.tbd" "/System/Library/Frameworks/$name.framework/Versions/A/$name" < <(listed "$name.framework")
    links="$links -framework $name"
done
"$nm" -u -j "$work"/objects/*/*.o 2>/dev/null | grep '^_' | sort -u >"$work/undefined"
grep '^_sqlite3_' "$work/undefined" | stub "$work/lib/libsqlite3.tbd" /usr/lib/libsqlite3.dylib
grep '^_ZSTD_' "$work/undefined" | stub "$work/lib/libzstd.tbd" /opt/homebrew/lib/libzstd.1.dylib
grep '^_cJSON_' "$work/undefined" | stub "$work/lib/libcjson.tbd" /opt/homebrew/lib/libcjson.1.dylib

link() { # PROGRAM TARGET FOLDER...: its main, and of the folders what it needs
    local program=$1 target=$2 cpu=${2%%-*} version=${2##*macos} main=$3
    shift 3
    for folder in "$@" schema; do
        rm -f "$work/$folder.a"
        find "$work/objects/$target" -name "*$folder:*.o" ! -name '*:main.c.o' -print0 | xargs -0 "$archive" rcs "$work/$folder.a"
    done
    # shellcheck disable=SC2086 # links is words
    "$lld" -arch "$cpu" -platform_version macos "$version.0" "$version.0" -o "$work/$program" \
        "$work/objects/$target/$main.o" $(printf "$work/%s.a " "$@" schema) -L "$work/lib" -F "$work/F" $links
}

check() { # PROGRAM TARGET MAIN FOLDER...
    if link "$@" && head -c 4 "$work/$1" | od -An -tx1 | grep -q 'cf fa ed fe'; then
        echo "linked: $1 for $2"
    else
        echo "FAILED: $1 for $2 does not link: what is undefined is in no library of tests/darwin/symbols.txt"
        failed=$((failed + 1))
    fi
}

failed=0
check procscoped $arm recorder:main.c recorder
check procscoped $intel recorder:main.c recorder
check procscope $arm analyzer:main.c analyzer

# The check itself: without one symbol it has to fail.
listed System | grep -vx _proc_pidinfo | stub "$work/lib/libSystem.tbd" /usr/lib/libSystem.B.dylib
if link procscoped $arm recorder:main.c recorder 2>"$work/said"; then
    echo "FAILED: it links without proc_pidinfo" && failed=$((failed + 1))
fi
grep -q proc_pidinfo "$work/said" || { echo "FAILED: it does not tell what is missing" && failed=$((failed + 1)); }
[ $failed = 0 ]
