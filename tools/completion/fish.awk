# rows -> completion for fish:  awk -v program=procscope -f rows.awk -f fish.awk rows

function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/'/, "\\'", text)
    return "'" text "'"
}

function action(row,    kind, words) {
    kind = value_kind(row)
    words = value_words(row)
    if (kind == "words")
        return " -x -a " quoted(words)
    if (kind == "list")
        return " -x -a " quoted("(__fish_append , " words ")")
    if (kind == "table")
        return " -x -a '(__" program "_tables)'"
    if (kind == "user")
        return " -x -a '(__fish_complete_users)'"
    if (kind == "group")
        return " -x -a '(__fish_complete_groups)'"
    return kind == "file" ? " -r -F" : kind == "none" ? " -x" : ""
}

function print_option(row,    condition) {
    if (command[row] != "")
        condition = " -n '__fish_seen_subcommand_from " command[row] "'"
    print "complete -c " program condition \
          (letter[row] == "" ? "" : " -s " substr(letter[row], 2)) \
          (name[row] == "" ? "" : " -l " substr(name[row], 3)) action(row) " -d " quoted(text[row])
}

function print_commands(    i, all) {
    for (i = 1; i <= command_count; i++)
        all = all (i > 1 ? " " : "") command_name[i]
    print "\n# The tables of the recording on the command line, or of this host's own."
    print "function __" program "_tables"
    print "    set -l words (commandline -opc)"
    print "    set -l file (string match -- '*.pscope' $words)[1]"
    print "    $words[1] export $file --list --format csv 2>/dev/null | sed -e 1d -e 's/,.*//'"
    print "end\n"
    print "complete -c " program " -n __fish_use_subcommand -l help -d 'print the commands'"
    print "complete -c " program " -n __fish_use_subcommand -l version -d 'print the version'"
    print "complete -c " program " -n __fish_use_subcommand -a help -d 'what a command takes'"
    print "complete -c " program " -n '__fish_seen_subcommand_from help' -a " quoted(all)
    for (i = 1; i <= command_count; i++)
        print "complete -c " program " -n __fish_use_subcommand -a " command_name[i] " -d " \
              quoted(command_text[command_name[i]])
    print "complete -c " program " -n " quoted("__fish_seen_subcommand_from " all) \
          " -k -a '(__fish_complete_suffix .pscope | string match -r \"^.*(?:\\.pscope|/)(?:\\t.*)?\\$\")'"
    print "complete -c " program " -n " quoted("__fish_seen_subcommand_from " all) \
          " -l help -d 'tell what it takes'"
}

END {
    print "# Written by tools/completion/fish.awk from what " program " says of itself."
    if (command_count > 0) {
        print "complete -c " program " -f"
        print_commands()
    } else {
        print "complete -c " program " -x -a '(__fish_complete_subcommand)'"
    }
    for (row = 1; row <= row_count; row++)
        print_option(row)
}
