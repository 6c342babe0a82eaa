# The text of --help -> one row per thing it says, from which manual pages and completions are made.
#
#   awk -v program=procscope -v command=report -f read_help.awk < help > rows
#
# Columns, separated by tabs: program, command ("" for the program itself), kind, letter, name, value,
# choices, text. Kinds: usage, text (a paragraph), command, term ("  NAME  what it is") and option:
#
#     -o, --output FILE          what it does         letter -o, name --output, value FILE
#     --by GROUP        process (default) or user     name --by, value GROUP, choices "process user"
#
# What an option does is a list of its choices when it is nothing but words with commas and "or" between
# them, up to a semicolon, parentheses aside; "of --other:" may come before it.

function choices_of(text, value,    parts, count, i, found) {
    if (value == "")
        return ""
    sub(/;.*/, "", text)
    sub(/^of --[a-z-]+: /, "", text)
    gsub(/ *\([^)]*\)/, "", text)
    gsub(/ or /, ", ", text)
    count = split(text, parts, /, /)
    if (count < 2)
        return ""
    for (i = 1; i <= count; i++) {
        if (parts[i] !~ /^[a-z0-9_-]+$/)
            return ""
        found = found (i > 1 ? " " : "") parts[i]
    }
    return found
}

function flush() {
    if (kind == "option")
        choices = choices_of(text, value)
    if (kind == "pending") # lines that looked like the name of a term
        kind = "text"
    if (kind != "")
        printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", program, command, kind, letter, name, value,
               choices, text
    kind = letter = name = value = choices = text = ""
}

function begin(what, words) {
    flush()
    kind = what
    text = words
}

function append(words) { text = text (text == "" ? "" : " ") words }

function take_option(line,    spec) {
    begin("option", "")
    sub(/^ +/, "", line)
    if (match(line, /^-[A-Za-z]/)) {
        letter = substr(line, 1, 2)
        line = substr(line, 3)
        sub(/^, /, "", line)
    }
    if (match(line, /^--[a-z0-9-]+/)) {
        name = substr(line, 1, RLENGTH)
        line = substr(line, RLENGTH + 1)
    }
    spec = line
    sub(/^ /, "", spec)
    if (line ~ /^ [A-Z]/ && match(spec, /^[A-Z]+([|,][A-Za-z]+)*( |$)/)) {
        value = substr(spec, 1, RLENGTH)
        sub(/ $/, "", value)
        line = substr(spec, RLENGTH + 1)
    }
    sub(/^ +/, "", line)
    text = line
}

function take_term(line,    at) {
    sub(/^  /, "", line)
    at = match(line, /  +/)
    if (at == 0) {
        if (kind != "pending")
            begin("pending", "")
        append(line)
        return
    }
    begin(command == "" && line ~ /^[a-z]/ ? "command" : "term", substr(line, at + RLENGTH))
    name = substr(line, 1, at - 1)
}

function take_deep(line) {
    sub(/^ +/, "", line)
    if (kind == "usage") {
        begin("usage", line)
        return
    }
    if (kind == "pending") {
        name = text
        kind = "term"
        text = ""
    }
    append(line)
}

/^$/ { flush(); next }
/^usage: / { begin("usage", substr($0, 8)); next }
/^  (    )?--[a-z]/ || /^  -[A-Za-z]/ { take_option($0); next }
/^  [^ ]/ { take_term($0); next }
/^ / { take_deep($0); next }
{
    if (kind != "text")
        begin("text", "")
    append($0)
}
END { flush() }
