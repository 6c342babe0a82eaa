#!/usr/bin/env bash
# cpack makes a .deb that has what it should, that lintian finds no error in, and that is installed, upgraded
# and purged in a throw-away root: this machine stays as it is.
set -euo pipefail

source_dir=${PROCSCOPE_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
build_dir=$(cd "${PROCSCOPE_BUILD_DIR:-$source_dir/build}" && pwd)

skip() {
    echo "SKIP: $*"
    exit 77
}
for tool in cpack dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || skip "no $tool to make a package with"
done
[ -e "$build_dir/manual/procscope.1" ] || skip "no manual pages in this build, so no package"
if grep -qE '^PROCSCOPE_(SANITIZE:STRING=.|COVERAGE:BOOL=ON)' "$build_dir/CMakeCache.txt"; then
    skip "instrumented programs are not packaged"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

make_packages() { # procscope.deb, and newer.deb of a later version
    cpack --config "$build_dir/CPackConfig.cmake" -G DEB -B "$work/built" >log 2>&1 ||
        { cat log && exit 1; }
    mv built/*.deb procscope.deb
    dpkg-deb -R procscope.deb unpacked
    sed -i 's/^\(Version: .*\)$/\1+newer/' unpacked/DEBIAN/control
    dpkg-deb -b --root-owner-group unpacked newer.deb >log
}

it_has_what_it_should() {
    local file
    for file in bin/procscoped bin/procscope lib/systemd/system/procscoped.service lib/sysusers.d/procscope.conf \
        lib/tmpfiles.d/procscope.conf share/man/man1/procscope.1.gz share/man/man8/procscoped.8.gz \
        share/man/man5/pscope.5.gz share/man/man5/procscoped.json.5.gz share/doc/procscope/copyright \
        share/doc/procscope/changelog.Debian.gz share/bash-completion/completions/procscope \
        share/bash-completion/completions/procscoped share/zsh/vendor-completions/_procscope \
        share/zsh/vendor-completions/_procscoped share/fish/vendor_completions.d/procscope.fish \
        share/fish/vendor_completions.d/procscoped.fish; do
        [ -s "unpacked/usr/$file" ] || fail "the package lacks /usr/$file"
    done
    [ "$(unpacked/usr/bin/procscope --version)" = "$("$build_dir/procscope" --version)" ] ||
        fail "the version is another"
    grep -q 'ANY KIND, EXPRESS' unpacked/usr/share/doc/procscope/copyright || fail "no license in copyright"
    dpkg-deb -f procscope.deb Depends | grep -q 'libsqlite3-0' || fail "it does not depend on its libraries"
}

lintian_finds_no_error() {
    if ! command -v lintian >/dev/null; then
        echo "SKIP: no lintian to check the package"
        return 0
    fi
    local allowed=()
    [ "$(id -u)" != 0 ] || allowed=(--allow-root)
    lintian "${allowed[@]}" procscope.deb >lintian 2>&1 || true
    cat lintian
    ! grep -q '^E:' lintian || fail "lintian finds errors"
}

# Mounts made here are seen by nobody else, and go with this process.
in_a_throw_away_root() { # SCRIPT
    local how
    if [ "$(id -u)" != 0 ]; then
        echo "SKIP: installing the package: only root can do that in a root of its own"
        return 0
    fi
    for how in private unchanged; do # in a chroot, / is no mount whose propagation could be set
        if unshare --mount --propagation $how true 2>/dev/null; then
            unshare --mount --propagation $how bash "$source_dir/tests/support_throw_away_root.sh" \
                "$work" "$1" || return 1
            return 0
        fi
    done
    echo "SKIP: installing the package: no name space for mounts is permitted here"
}

make_packages
it_has_what_it_should
lintian_finds_no_error
in_a_throw_away_root "$source_dir/tests/support_package_life.sh" ||
    fail "installing, recording, upgrading, purging"
[ $failures = 0 ] && echo "package: made, checked"
