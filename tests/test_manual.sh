#!/usr/bin/env bash
# The manual pages say what the programs say, name every option that the sources have, and their examples run.
set -euo pipefail

source_dir=${PROCSCOPE_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
build_dir=$(cd "${PROCSCOPE_BUILD_DIR:-$source_dir/build}" && pwd)
manual=$build_dir/manual
PATH=$build_dir:$PATH

if [ ! -e "$manual/procscope.1" ]; then
    echo "SKIP: no manual pages in this build"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work XDG_STATE_HOME=$work
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# The names of the options in a help text, found another way than the pages are made.
options_in_help() { grep -oE '^ +(-[A-Za-z], )?--?[A-Za-z][a-z-]*' | grep -oE -- '--?[A-Za-z][a-z-]*$' | sort -u; }

options_in_page() { # PAGE: .It Fl o , Fl -output Ar FILE
    grep '^\.It Fl ' "$1" | grep -oE 'Fl [^ ]+' | sed 's/^Fl /-/' | sort -u
}

every_option_of_the_help_is_in_its_page_and_no_other() {
    local command
    procscoped --help | options_in_help >help
    options_in_page "$manual/procscoped.8" | grep -v '^-[A-Za-z]$' >page
    diff help page || fail "procscoped(8) (>) and procscoped --help (<) do not agree"
    procscope --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' >commands
    [ -s commands ] || fail "procscope --help names no commands"
    while read -r command; do
        grep -qx "\.Ss procscope $command" "$manual/procscope.1" || fail "procscope(1) does not tell of $command"
        procscope "$command" --help
    done <commands | options_in_help >help
    options_in_page "$manual/procscope.1" >page
    diff help page || fail "procscope(1) (>) and the help of its commands (<) do not agree"
}

# analyzer/ keeps what a command takes and what its help says apart.
every_option_in_the_sources_is_in_the_help() {
    local name file command count=0
    while IFS=: read -r file name; do
        sed -n 's/^const struct command command_\([a-z]*\) .*/\1/p' "$file" >defined
        while read -r command; do
            procscope "$command" --help
        done <defined >help
        grep -qE "^ +(-[A-Za-z], )?$name( |\$)" help ||
            fail "procscope $(tr '\n' ' ' <defined)takes $name; its help does not say so"
        count=$((count + 1))
    done < <(grep -HoE '\{ "--[a-z-]+", (true|false), &' "$source_dir"/analyzer/command_*.c |
        sed 's/{ "//; s/".*//')
    [ $count -ge 5 ] || fail "only $count options found in analyzer/command_*.c"
}

# A usage error is exit status 2. A command that waits is ended.
try_value() { # PROGRAM COMMAND OPTION VALUE
    local status=0
    if [ "$1" = procscoped ]; then
        set -- procscoped --list-collectors "$3" "$4"
    else
        set -- procscope "$2" run.pscope "$3" "$4"
        [ "$2" != export ] || set -- "$@" --table process
        [ "$2" != check ] || set -- "$@" 'count() > 0'
    fi
    timeout 10 "$@" >tried 2>&1 </dev/null || status=$?
    [ $status != 2 ]
}

every_choice_that_is_told_is_accepted_and_another_is_not() {
    local program command name choices choice count=0
    awk -F '\t' '$7 != "" { print $1 "|" $2 "|" ($5 != "" ? $5 : $4) "|" $7 }' "$manual/rows" >choices
    while IFS='|' read -r program command name choices; do
        for choice in $choices; do
            try_value "$program" "$command" "$name" "$choice" ||
                fail "$program $command $name $choice: $(head -n 1 tried)"
            count=$((count + 1))
        done
        ! try_value "$program" "$command" "$name" nonsense ||
            fail "$program $command $name nonsense is accepted"
    done <choices
    [ $count -ge 10 ] || fail "only $count choices found"
}

# What is recorded for minutes in an example is only checked here.
the_examples_run() {
    local line count=0
    sed -n '/^\.Bd -literal/,/^\.Ed/{/^\./d;p}' "$manual/procscoped.json.5" >procscoped.json
    grep -h '^\.Dl procscope' "$manual/procscope.1" "$manual/procscoped.8" | sed 's/^\.Dl //' >examples
    while IFS= read -r line; do
        bash -c "${line/#procscoped /procscoped --check-config }" >output 2>&1 </dev/null ||
            fail "$line: exit status $?: $(head -n 2 output)"
        count=$((count + 1))
    done <examples
    [ $count -ge 8 ] || fail "only $count examples found"
    [ -s run.csv ] || fail "the example that writes run.csv did not"
}

the_keys_are_those_of_print_config() {
    procscoped --print-config | grep -oE '^[[:blank:]]*"[a-z-]+":' | tr -d '":\t ' | sort >keys
    grep '^\.It Cm ' "$manual/procscoped.json.5" | cut -d ' ' -f 3 | sort >page
    diff keys page || fail "procscoped.json(5) (>) and procscoped --print-config (<) do not agree"
}

# Every heading, and of every table of the format every field.
the_format_is_all_there() {
    local heading
    grep '^## ' "$source_dir/schema/FORMAT.md" | sed 's/^## //' >headings
    [ -s headings ] || fail "no headings in schema/FORMAT.md"
    while IFS= read -r heading; do
        grep -qFx ".Ss $heading" "$manual/pscope.5" || fail "pscope(5) lacks: $heading"
    done <headings
    tr -cs 'A-Za-z0-9_' '\n' <"$source_dir/schema/FORMAT.md" | grep -E '^[a-z0-9]+_[a-z0-9_]*$' | sort -u >names
    sed 's/\\f[BIR]/ /g' "$manual/pscope.5" | tr -cs 'A-Za-z0-9_' '\n' | sort -u >there
    comm -23 names there >lost
    [ ! -s lost ] || fail "pscope(5) lacks: $(tr '\n' ' ' <lost)"
}

mandoc_finds_nothing_to_warn_of() {
    local page
    if ! command -v mandoc >/dev/null; then
        echo "SKIP: no mandoc to check the pages"
        return 0
    fi
    for page in "$manual"/*.[1-8]; do
        mandoc -T lint -W warning "$page" >lint 2>&1 || true
        [ ! -s lint ] || fail "$(basename "$page"): $(cat lint)"
        mandoc -T utf8 "$page" >text
        [ "$(wc -l <text)" -gt 30 ] || fail "$(basename "$page") is nearly empty"
        ! grep -qE '@[A-Z]+@' "$page" || fail "$(basename "$page"): something was not filled in"
    done
}

make_recording run.pscope --processes 20 --seconds 90 >made
every_option_of_the_help_is_in_its_page_and_no_other
every_option_in_the_sources_is_in_the_help
every_choice_that_is_told_is_accepted_and_another_is_not
the_examples_run
the_keys_are_those_of_print_config
the_format_is_all_there
mandoc_finds_nothing_to_warn_of
[ $failures = 0 ] && echo "manual: all as the programs say"
