#!/bin/sh
# What both programs say of themselves, as rows (read_help.awk), on standard output.
#
#   collect_help.sh PROCSCOPED PROCSCOPE
#
# Besides the help of both and of every command: the columns of report, the collectors, and the keys of
# the configuration file with what they are unless told otherwise, as rows of kind column, collector, key.
set -eu
LC_ALL=C # bytes
export LC_ALL
here=$(dirname "$0")
procscoped=$1 procscope=$2

read_help() { # PROGRAM COMMAND, help on standard input
    awk -v program="$1" -v command="$2" -f "$here/read_help.awk"
}

rows_of() { # PROGRAM COMMAND KIND: name, or name TAB text, per line
    awk -F '\t' -v head="$1	$2	$3" '{ print head "\t\t" $1 "\t\t\t" $2 }'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Files and not pipes, so that a program that fails ends this.
"$procscoped" --help >"$work/help"
read_help procscoped "" <"$work/help"
"$procscoped" --list-collectors --format json >"$work/collectors"
sed -n 's/.*"name":[[:blank:]]*"\([a-z0-9_]*\)".*/\1/p' "$work/collectors" | rows_of procscoped "" collector
"$procscoped" --print-config >"$work/keys"
sed -n 's/^[[:blank:]]*"\([a-z-]*\)":[[:blank:]]*\(.*[^,]\),\{0,1\}$/\1	\2/p' "$work/keys" |
    rows_of procscoped "" key

"$procscope" --help >"$work/help"
read_help procscope "" <"$work/help" | tee "$work/rows"
awk -F '\t' '$3 == "command" { print $5 }' "$work/rows" >"$work/commands"
while read -r command; do
    "$procscope" "$command" --help >"$work/help"
    read_help procscope "$command" <"$work/help"
done <"$work/commands"
"$procscope" report --columns help >"$work/columns"
rows_of procscope report column <"$work/columns"
