# A page written by hand, with what the programs say of themselves put in.
#
#   awk -f mdoc.awk -f manual.awk -v date="November 20, 2026" -v version=0.1.0 rows page.in > page
#
# rows are those of collect_help.sh. In the page, @DATE@ and @VERSION@ are replaced, and these lines:
#
#   .\" @synopsis PROGRAM         how it is called, with all its commands
#   .\" @options PROGRAM          its options
#   .\" @commands PROGRAM         a section for each command: what it says and takes
#   .\" @common PROGRAM           the options and paragraphs that several commands share
#   .\" @columns, @collectors     lists of names
#   .\" @keys PROGRAM             the keys of its configuration file

BEGIN {
    FS = "\t"
    mdoc_init()
}

NR == FNR {
    row = ++row_count
    program[row] = $1
    command[row] = $2
    kind[row] = $3
    letter[row] = $4
    name[row] = $5
    value[row] = $6
    text[row] = $8
    if ($2 != "" && ++shared[$3, $4, $5, $6, $8] > most[$3, $4, $5])
        most[$3, $4, $5] = shared[$3, $4, $5, $6, $8]
    next
}

# Said by several commands, and nothing else by more? Of paragraphs only what explains a word: "TIME: ...".
function is_common(row,    times) {
    times = shared[kind[row], letter[row], name[row], value[row], text[row]]
    if (command[row] == "" || times < 2)
        return 0
    if (kind[row] == "text")
        return text[row] ~ /^[A-Z]+: /
    return times == most[kind[row], letter[row], name[row]]
}

function in_help(row, of, of_command, of_kind) {
    return program[row] == of && command[row] == of_command && kind[row] == of_kind
}

function flag(word) { return "Fl " substr(word, 2) }

function option_item(row) {
    return ".It" (letter[row] == "" ? "" : " " flag(letter[row])) \
           (letter[row] == "" || name[row] == "" ? "" : " ,") \
           (name[row] == "" ? "" : " " flag(name[row])) \
           (value[row] == "" ? "" : " Ar " value[row])
}

function print_item(head, words) {
    print head
    mdoc_print(mdoc_words(words))
}

# One way to call it: "procscope info [FILE] [--format table|json]"
function print_usage(line,    words, count, i, out, optional) {
    gsub(/…/, " ...", line)
    gsub(/\.\.\./, " ...", line)
    gsub(/\[/, "[ ", line)
    gsub(/\]/, " ]", line)
    count = split(line, words, / +/)
    print ".Nm " words[1]
    for (i = 2; i <= count; i++) {
        if (words[i] == "[")
            out = ".Op"
        else if (words[i] == "]") {
            print out
            out = ""
        } else if (out ~ /^\.Op/)
            out = out " " usage_word(words[i])
        else
            print "." usage_word(words[i])
    }
}

function usage_word(word) {
    if (word == "...")
        return "No ..."
    if (word == "--")
        return "Fl \\-"
    if (word ~ /^-/)
        return flag(word)
    return (word ~ /^[A-Z]/ ? "Ar " : "Cm ") word
}

function synopsis(of,    row) {
    for (row = 1; row <= row_count; row++)
        if (program[row] == of && kind[row] == "usage" && !(command[row] == "" && has_commands(of)))
            print_usage(text[row])
}

function has_commands(of,    row) {
    for (row = 1; row <= row_count; row++)
        if (in_help(row, of, "", "command"))
            return 1
    return 0
}

# Options, terms and paragraphs of one command ("": the program's), in their order. `of_common` 1: those
# of all commands that several share, each once.
function said(of, of_command, of_common, only,    row, open, seen, key) {
    for (row = 1; row <= row_count; row++) {
        if (program[row] != of || (!of_common && command[row] != of_command) ||
            is_common(row) != of_common || !(kind[row] ~ only))
            continue
        key = kind[row] SUBSEP letter[row] SUBSEP name[row] SUBSEP text[row]
        if (seen[key]++)
            continue
        if (kind[row] == "text") {
            print open ? ".El\n.Pp" : ".Pp"
            open = 0
            mdoc_print(mdoc_words(text[row]))
            continue
        }
        if (!open)
            print ".Bl -tag -width Ds"
        open = 1
        print_item(kind[row] == "option" ? option_item(row) : ".It " mdoc_words(name[row]), text[row])
    }
    if (open)
        print ".El"
}

function commands(of,    row) {
    for (row = 1; row <= row_count; row++) {
        if (!in_help(row, of, "", "command"))
            continue
        print ".Ss " of " " name[row]
        mdoc_print(mdoc_words(toupper(substr(text[row], 1, 1)) substr(text[row], 2) "."))
        said(of, name[row], 0, "^(text|term|option)$")
        also(of, name[row])
    }
}

# Which of the shared options a command takes.
function also(of, of_command,    row, list) {
    for (row = 1; row <= row_count; row++)
        if (in_help(row, of, of_command, "option") && is_common(row))
            list = list (list == "" ? "" : " ,\n") "." flag(name[row] == "" ? letter[row] : name[row])
    if (list != "")
        print ".Pp\nBesides, see\n.Sx COMMON OPTIONS :\n" list " ."
}

function names(of_kind,    row, list) {
    for (row = 1; row <= row_count; row++)
        if (kind[row] == of_kind)
            list = list (list == "" ? "" : " ,\n") ".Cm " name[row]
    print list " ."
}

function keys(of,    row, other) {
    print ".Bl -tag -width Ds"
    for (row = 1; row <= row_count; row++) {
        if (!in_help(row, of, "", "key"))
            continue
        for (other = 1; other <= row_count; other++)
            if (in_help(other, of, "", "option") && name[other] == "--" name[row])
                print_item(".It Cm " name[row], text[other] ".")
        print "Unless set:\n.Li " text[row]
    }
    print ".El"
}

/^\.\\" @/ {
    split($0, word, " ")
    directive = word[2]
    if (directive == "@synopsis")
        synopsis(word[3])
    else if (directive == "@options")
        said(word[3], "", 0, "^option$")
    else if (directive == "@commands")
        commands(word[3])
    else if (directive == "@common")
        said(word[3], "", 1, "^(text|option)$")
    else if (directive == "@columns")
        names("column")
    else if (directive == "@collectors")
        names("collector")
    else if (directive == "@keys")
        keys(word[3])
    else {
        print FILENAME ": " directive " is no directive of manual.awk" > "/dev/stderr"
        exit failed = 1
    }
    next
}

{
    gsub(/@DATE@/, date)
    gsub(/@VERSION@/, version)
    print
}
END { exit failed }
