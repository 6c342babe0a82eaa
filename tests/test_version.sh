#!/usr/bin/env bash
# cmake/version.cmake: the version and the package's version, with and without tags, and from an archive.
set -euo pipefail

source_dir=${PROCSCOPE_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
if ! command -v git >/dev/null; then
    echo "SKIP: no git"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE="1780000000 +0000" GIT_COMMITTER_DATE="1780000000 +0000"
unset SOURCE_DATE_EPOCH

# Where a .git further up must not be taken for this one's.
mkdir -p "$work/repository/cmake"
cd "$work/repository"
cp "$source_dir/cmake/version.cmake" "$source_dir/cmake/archived_version.txt" cmake
cp "$source_dir/.gitattributes" .
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(procscope VERSION 0.1.0 LANGUAGES NONE)
include(cmake/version.cmake)
message(STATUS "<${PROCSCOPE_VERSION} ${PROCSCOPE_DEBIAN_VERSION} ${PROCSCOPE_DATE}>")
END

version_of() { # DIRECTORY
    rm -rf "$work/build"
    cmake -S "$1" -B "$work/build" 2>&1 | sed -n 's/^-- <\(.*\)>$/\1/p'
}

expect() { # PATTERN DIRECTORY
    local got
    got=$(version_of "$2")
    if ! printf '%s\n' "$got" | grep -qxE -- "$1"; then
        echo "FAILED: '$got' is not '$1'"
        failures=$((failures + 1))
    fi
    last=$(printf '%s' "$got" | cut -d ' ' -f 2)
    order="$order $last"
}

commit() { git commit -q --allow-empty -m "$1"; }
order=""

git init -q
git add .
commit first
commit second
expect '0\.1\.0\+g([0-9a-f]+) 0\.1\.0~2\.g([0-9a-f]+) May 28, 2026' .
git tag v0.1.0-rc1
expect '0\.1\.0-rc1 0\.1\.0~rc1 May 28, 2026' .
commit third
expect '0\.1\.0-rc1-1-g[0-9a-f]+ 0\.1\.0~rc1\+1\.g[0-9a-f]+ .*' .
git tag v0.1.0
expect '0\.1\.0 0\.1\.0 .*' .
commit fourth
expect '0\.1\.0-1-g[0-9a-f]+ 0\.1\.0\+1\.g[0-9a-f]+ .*' .

mkdir "$work/archive"
git archive HEAD | tar -x -C "$work/archive"
if [ "$(version_of "$work/archive")" != "$(version_of .)" ]; then
    if git log -1 --format='%(describe)' | grep -q '%('; then
        echo "SKIP: the version in an archive: this git does not know %(describe)"
    else
        echo "FAILED: an archive is version '$(version_of "$work/archive")'"
        failures=$((failures + 1))
    fi
fi

# A copy that is neither knows what the project says.
cp -r "$work/repository" "$work/copy"
rm -rf "$work/copy/.git"
expect '0\.1\.0 0\.1\.0 .*' "$work/copy"

if command -v dpkg >/dev/null; then # each later than the one before; the copy knows nothing
    before=""
    for version in ${order% *}; do
        if [ -n "$before" ] && ! dpkg --compare-versions "$before" lt "$version"; then
            echo "FAILED: dpkg does not take $version for later than $before"
            failures=$((failures + 1))
        fi
        before=$version
    done
fi
[ $failures = 0 ] && echo "version: as told"
