# rows -> completion for zsh:  awk -v program=procscope -f rows.awk -f zsh.awk rows

function quoted(text) { # within '...[text]...'
    gsub(/'/, "'\\''", text)
    gsub(/\[/, "\\[", text)
    gsub(/\]/, "\\]", text)
    gsub(/:/, "\\:", text)
    return text
}

function action(row,    kind) {
    kind = value_kind(row)
    if (kind == "words")
        return "(" value_words(row) ")"
    if (kind == "list")
        return "_values -s , " (name[row] == "--columns" ? "column" : "name") " " value_words(row)
    if (kind == "table")
        return "_" program "_tables"
    if (kind == "user")
        return "_users"
    if (kind == "group")
        return "_groups"
    return kind == "file" ? "_files" : " "
}

# One argument of _arguments: '(-o --output)'{-o+,--output=}'[what it does]:FILE:_files'
function spec(row,    names, what) {
    what = "'[" quoted(text[row]) "]"
    if (value[row] != "")
        what = what ":" quoted(value[row]) ":" action(row)
    what = what "'"
    names = letter[row] (letter[row] != "" && value[row] != "" ? "+" : "")
    if (letter[row] != "" && name[row] != "")
        names = names ","
    names = names name[row] (name[row] != "" && value[row] != "" ? "=" : "")
    if (letter[row] != "" && name[row] != "")
        return "'(" letter[row] " " name[row] ")'{" names "}" what
    return (repeatable(row) ? "'*'" : "") names what
}

function print_specs(of, indent,    row) {
    print indent "_arguments -s -S \\"
    for (row = 1; row <= row_count; row++)
        if (command[row] == of)
            print indent "    " spec(row) " \\"
}

function print_commands(    i) {
    print "_" program "_commands() {"
    print "    local -a commands=("
    for (i = 1; i <= command_count; i++)
        print "        '" command_name[i] ":" quoted(command_text[command_name[i]]) "'"
    print "        'help:what a command takes'"
    print "    )"
    print "    _describe command commands\n}\n"
}

# The tables of the recording on the command line, or of this host's own.
function print_tables() {
    print "_" program "_tables() {"
    print "    local -a file=(${(M)words:#*.pscope}) tables"
    print "    tables=(${(f)\"$(_call_program tables " program \
          " export ${(q)file[1]} --list --format csv 2>/dev/null)\"})"
    print "    compadd -- ${${tables[2,-1]}%%,*}\n}\n"
}

function print_dispatch(    i) {
    print "_" program "() {"
    print "    local curcontext=$curcontext state line"
    print "    _arguments -C '(- *)--help[print the commands]' '(- *)--version[print the version]' \\"
    print "        '1: :_" program "_commands' '*:: :->rest' && return"
    print "    case $line[1] in"
    print "    help) _" program "_commands ;;"
    for (i = 1; i <= command_count; i++) {
        print "    " command_name[i] ")"
        print_specs(command_name[i], "        ")
        print "            '--help[tell what it takes]' \\"
        print "            '1:recording:_files -g \"*.pscope(-.)\"'"
        print "        ;;"
    }
    print "    esac\n}\n"
}

END {
    print "#compdef " program
    print "# Written by tools/completion/zsh.awk from what " program " says of itself."
    if (command_count > 0) {
        print_commands()
        print_tables()
        print_dispatch()
    } else {
        print "_" program "() {"
        print_specs("", "    ")
        print "        '(-)1:command: _command_names -e' '*:: :_normal'\n}\n"
    }
    print "_" program " \"$@\""
}
