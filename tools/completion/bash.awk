# rows -> completion for bash 4 and later; what is the same for every program is in body.bash.
#
#   awk -v program=procscope -v body=body.bash -f rows.awk -f bash.awk rows

function both(row) { return letter[row] (letter[row] != "" && name[row] != "" ? " " : "") name[row] }

function either(row,    words) {
    words = both(row)
    sub(/ /, "|", words)
    return words
}

# case COMMAND: the options of each
function print_options(    i) {
    print "    case $command in"
    for (i = 1; i <= command_count; i++)
        print "    " command_name[i] ") words=\"" options_of(command_name[i]) "\" ;;"
    if (command_count > 0)
        print "    \"\") words=\"--help --version\" ;;"
    else
        print "    *) words=\"" options_of("") "\" ;;"
    print "    esac"
}

function options_of(of,    row, words) {
    for (row = 1; row <= row_count; row++)
        if (command[row] == of)
            words = words both(row) " "
    return words (index(words, "--help") ? "" : "--help")
}

# case "COMMAND OPTION": what its value is
function print_values(    row) {
    print "    case \"$command $option\" in"
    for (row = 1; row <= row_count; row++)
        if (value[row] != "")
            print "    " patterns(row) ") kind=" value_kind(row) \
                  (value_words(row) == "" ? "" : " words=\"" value_words(row) "\"") " ;;"
    print "    esac"
}

function patterns(row,    words) {
    words = "\"" command[row] " " both(row) "\""
    sub(/ --/, "\" | \"" command[row] " --", words)
    sub(/^"[a-z]* *" \| /, "", words)
    return words
}

function commands(    i, words) {
    for (i = 1; i <= command_count; i++)
        words = words (i > 1 ? " " : "") command_name[i]
    return words
}

function fill(line) {
    gsub(/@PROGRAM@/, program, line)
    gsub(/@COMMANDS@/, commands(), line)
    print line
}

END {
    fill("# Completion for @PROGRAM@; written by tools/completion/bash.awk from what it says of itself.")
    fill("\n# The kind of an option's value, and the words that it can be.")
    fill("_@PROGRAM@_value() { # COMMAND OPTION; sets kind and words")
    print "    local command=$1 option=$2"
    print "    kind=\"\" words=\"\""
    print_values()
    print "}\n"
    fill("_@PROGRAM@_options() { # COMMAND; sets words")
    print "    local command=$1"
    print "    words=\"\""
    print_options()
    print "}\n"
    while ((getline line < body) > 0)
        fill(line)
}
