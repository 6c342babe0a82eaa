#!/usr/bin/env bash
# Install what building and testing procscope needs: with apt-get, dnf or brew, and only what is missing.
#
#   tools/setup.sh          build, test, try
#   tools/setup.sh --ci     also what .ci/run uses: clang, clang-format, clang-tidy, strace, git, ...
set -euo pipefail

usage="usage: tools/setup.sh [--ci]"
ci=no
case "${1-}" in
"") ;;
--ci) ci=yes ;;
-h | --help) echo "$usage" && exit 0 ;;
*) echo "$usage" >&2 && exit 2 ;;
esac

have() { command -v "$1" >/dev/null 2>&1; }

have_either() { have "$1" || have "$2"; }

have_library() { # MODULE HEADER
    if have pkg-config && pkg-config --exists "$1"; then
        return 0
    fi
    have cc && echo "#include <$2>" | cc -E - >/dev/null 2>&1
}

have_version_14() { # TOOL; .clang-format and .clang-tidy are kept for 14, other systems take what they have
    have "$1-14" || { ! have apt-get && have "$1"; }
}

have_fuzzer() {
    echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer,address -x c -o /dev/null - >/dev/null 2>&1
}

# need WHAT DEBIAN-PACKAGES FEDORA-PACKAGES BREW-FORMULAS TEST...: "" where nothing has to be installed
need() {
    local what="$1" debian_names="$2" fedora_names="$3" brew_names="$4"
    shift 4
    "$@" && return
    missing="$missing${missing:+, }$what"
    debian="$debian $debian_names" fedora="$fedora $fedora_names" brew="$brew $brew_names"
}

need_to_build() {
    need "C compiler" "gcc libc6-dev" gcc "" have cc
    need cmake cmake cmake cmake have cmake
    need "ninja or make" ninja-build ninja-build ninja have_either ninja make
    need pkg-config pkg-config pkgconf-pkg-config pkgconf have pkg-config
    need python3 python3 python3 python3 have python3
    need zstd zstd zstd zstd have zstd
    need "sqlite3 library" "libsqlite3-dev sqlite3" "sqlite-devel sqlite" sqlite have_library sqlite3 sqlite3.h
    need "zstd library" libzstd-dev libzstd-devel zstd have_library libzstd zstd.h
    need "cJSON library" libcjson-dev cjson-devel cjson have_library libcjson cjson/cJSON.h
    if [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ]; then # it builds without, so nobody must
        need "seccomp library" libseccomp-dev libseccomp-devel "" have_library libseccomp seccomp.h
        need "BPF library" libbpf-dev libbpf-devel "" have_library libbpf bpf/libbpf.h
        need "clang for BPF" "clang llvm" "clang llvm" "" have clang
    fi
    if [ "$(id -u)" = 0 ]; then # the same
        need "ncurses library" libncurses-dev ncurses-devel "" have_library ncursesw curses.h
        need "curl library" libcurl4-openssl-dev libcurl-devel curl have_library libcurl curl/curl.h
    fi
    need "cmocka library" libcmocka-dev libcmocka-devel cmocka have_library cmocka cmocka.h
}

need_for_ci() {
    need git git git git have git
    need clang clang clang llvm have clang
    need "clang's fuzzer and sanitizers" libclang-rt-14-dev compiler-rt llvm have_fuzzer
    need clang-format clang-format-14 clang-tools-extra clang-format have_version_14 clang-format
    need clang-tidy clang-tidy-14 clang-tools-extra llvm have_version_14 clang-tidy
    need "sqlite3 command" sqlite3 sqlite sqlite have sqlite3
    need ps procps procps-ng "" have ps
    if [ "$(uname -s)" = Linux ]; then
        need strace strace strace "" have strace
        need "ip command" iproute2 iproute "" have ip
        need "lld, to link for macOS" lld lld "" have_either ld64.lld ld64.lld-14
    fi
    need tmux tmux tmux tmux have tmux
    need npm npm nodejs-npm node have npm
    if [ "$(uname -s)" = Linux ]; then
        need chromium chromium chromium "" have_either chromium chromium-browser
    fi
    need mandoc mandoc mandoc mandoc have mandoc
    need fish fish fish fish have fish
    need zsh zsh zsh zsh have zsh
    if have dpkg; then
        need dpkg-shlibdeps "dpkg-dev file" "" "" have dpkg-shlibdeps
        need lintian lintian "" "" have lintian
    fi
}

look() {
    missing="" debian="" fedora="" brew=""
    hash -r
    need_to_build
    if [ $ci = yes ]; then
        need_for_ci
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

quietly() { # COMMAND ARG...: its output is shown only when it fails
    if "$@" >"$log" 2>&1 </dev/null; then
        return 0
    fi
    cat "$log" >&2
    return 1
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends "$@"; }

install_apt() {
    # The package lists may be absent (a fresh machine) or old (what they name is gone): update only then.
    if apt -s install "$@" >"$log" 2>&1 && apt install "$@" >"$log" 2>&1 </dev/null; then
        return 0
    fi
    echo "setup: apt-get update, and again"
    quietly apt update
    quietly apt install "$@"
}

look
if [ -z "$missing" ]; then
    echo "setup: everything is there"
    exit 0
fi
echo "setup: missing: $missing"

if have apt-get; then
    manager=apt packages="$debian" command="apt-get install"
elif have dnf; then
    manager=dnf packages="$fedora" command="dnf install"
elif have brew; then
    manager=brew packages="$brew" command="brew install"
else
    echo "setup: there is no apt-get, dnf or brew; please install what is missing by hand" >&2
    exit 1
fi
read -r -a packages <<<"$packages"

if [ $manager != brew ] && [ "$(id -u)" != 0 ] && ! have sudo; then
    echo "setup: neither root nor sudo; please run as root:" >&2
    echo "    $command ${packages[*]}" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "setup: $command ${packages[*]}"
case $manager in
apt) install_apt "${packages[@]}" ;;
dnf) quietly as_root dnf -y -q install "${packages[@]}" ;;
brew) quietly brew install -q "${packages[@]}" ;;
esac

look
if [ -n "$missing" ]; then
    echo "setup: installed, but not found now: $missing" >&2
    exit 1
fi
echo "setup: done"
