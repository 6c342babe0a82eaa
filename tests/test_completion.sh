#!/usr/bin/env bash
# Completions, asked of each shell that is here: commands, every option of the help, choices, files.
set -euo pipefail

source_dir=${PROCSCOPE_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
build_dir=$(cd "${PROCSCOPE_BUILD_DIR:-$source_dir/build}" && pwd)
completion=$build_dir/completion
PATH=$build_dir:$PATH

if [ ! -e "$completion/procscope.bash" ]; then
    echo "SKIP: no completions in this build"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# Each of these prints, one a line, what SHELL offers for a command line that ends at the cursor.
offer_bash() { # WORD...
    bash --norc -c '
        source "$0/procscope.bash"
        source "$0/procscoped.bash"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "_$1"
        printf "%s\n" "${COMPREPLY[@]}"' "$completion" "$@"
}

offer_fish() { # WORD...
    fish --no-config -c '
        source $argv[1]/procscope.fish
        source $argv[1]/procscoped.fish
        complete -C "$argv[2..-1]"' "$completion" "$@" | cut -f 1
}

# zsh completes on a terminal only: one of its own, in which Tab lists everything.
offer_zsh() { # WORD...
    timeout 60 zsh -f "$source_dir/tests/support_complete.zsh" "$completion" "$*"
}

expect() { # SHELL WORD-OFFERED WORD...
    local shell=$1 word=$2
    shift 2
    "offer_$shell" "$@" >offered 2>errors || fail "$shell: $*: exit status $?: $(head -n 2 errors)"
    grep -qE -- "(^|[[:blank:]])$word([[:blank:]]|\$)" offered ||
        fail "$shell: $*: $word is not offered but: $(head -c 300 offered)"
}

refuse() { # SHELL WORD-NOT-OFFERED WORD...
    local shell=$1 word=$2
    shift 2
    "offer_$shell" "$@" >offered 2>errors || true
    ! grep -qE -- "(^|[[:blank:]])$word([[:blank:]]|\$)" offered || fail "$shell: $*: $word is offered"
}

the_basics_are_offered() { # SHELL
    expect "$1" report procscope ""
    expect "$1" verify procscope ver
    expect "$1" user procscope report --by ""
    expect "$1" total procscope timeline --by ""
    expect "$1" cpu_samples procscope timeline run.pscope --table cpu_s
    refuse "$1" run.pscope procscope report --by ""
    expect "$1" ndjson procscope export --format nd
    expect "$1" run.pscope procscope info ru
    refuse "$1" run.txt procscope info ru
    expect "$1" process_version procscope export run.pscope --table process_v
    expect "$1" cpu_seconds_in_gaps procscope report --sort cpu_seconds_i
    expect "$1" pid,cpu_seconds_in_gaps procscope report --columns pid,cpu_seconds_i
    expect "$1" proc procscoped --process-source ""
    expect "$1" run.txt procscoped --config run.t
}

every_option_of_the_help_is_offered() { # SHELL
    local command option
    while read -r command; do
        "offer_$1" procscope "$command" -- >offered
        procscope "$command" --help | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--.*' >options
        while read -r option; do
            grep -qxF -- "$option" offered || fail "$1: procscope $command: $option is not offered"
        done <options
    done < <(procscope --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
    "offer_$1" procscoped -- >offered
    while read -r option; do
        grep -qxF -- "$option" offered || fail "$1: procscoped: $option is not offered"
    done < <(procscoped --help | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--.*')
}

# Where zsh cannot be asked.
every_option_is_in_the_file_for_zsh() { # PROGRAM
    local option
    while read -r option; do
        grep -qE -- "(^|[^a-z-])$option([^a-z-]|\$)" "$completion/_$1" || fail "_$1 lacks $option"
    done < <(awk -F '\t' -v program="$1" '$1 == program && $3 == "option" { print $5 != "" ? $5 : $4 }' \
        "$build_dir/manual/rows")
}

make_recording run.pscope --processes 5 --seconds 30 >made
touch run.txt
for shell in bash fish zsh; do
    if ! command -v $shell >/dev/null; then
        echo "SKIP: completion for $shell: there is no $shell here"
        continue
    fi
    case $shell in
    zsh) files=("$completion/_procscope" "$completion/_procscoped") ;;
    *) files=("$completion/procscope.$shell" "$completion/procscoped.$shell") ;;
    esac
    for file in "${files[@]}"; do
        $shell -n "$file" || fail "$file: no $shell"
    done
    if [ $shell = zsh ] && ! zsh -fc 'zmodload zsh/zpty && zpty try true' 2>/dev/null; then
        echo "SKIP: what zsh offers: it completes on a terminal only, and there is none to be had here"
        every_option_is_in_the_file_for_zsh procscope
        every_option_is_in_the_file_for_zsh procscoped
        continue
    fi
    the_basics_are_offered $shell
    every_option_of_the_help_is_offered $shell
done

# "--by=us" is three words to bash.
expect bash user procscope report --by = us
expect bash run.txt procscoped -- cat run.t
[ $failures = 0 ] && echo "completion: all offered"
