# What a completion needs of the rows of tools/manual/collect_help.sh, for -v program=NAME; used by
# bash.awk, zsh.awk and fish.awk.

BEGIN { FS = "\t" }

$1 == program && $3 == "command" { command_name[++command_count] = $5; command_text[$5] = $8 }
$1 == program && $3 == "option" {
    row = ++row_count
    command[row] = $2
    letter[row] = $4
    name[row] = $5
    value[row] = $6
    choices[row] = $7
    text[row] = $8
}
$3 == "column" { columns = columns (columns == "" ? "" : " ") $5 }
$1 == program && $3 == "collector" { collectors = collectors (collectors == "" ? "" : " ") $5 }

# What an option's value can be completed with: "" (it takes none), words, list (words with commas
# between them), file, user, group, table (those of the recording) or none (nothing is known).
function value_kind(row) {
    if (value[row] == "")
        return ""
    if (choices[row] != "" || name[row] == "--sort")
        return "words"
    if (name[row] == "--columns" && command[row] == "timeline")
        return "none" # they are the table's
    if (name[row] == "--columns" || name[row] == "--collectors")
        return "list"
    if (name[row] == "--table")
        return "table"
    if (name[row] == "--user")
        return "user"
    if (name[row] == "--control-group")
        return "group"
    return value[row] ~ /^(FILE|PATH)/ ? "file" : "none"
}

function value_words(row) {
    if (choices[row] != "")
        return choices[row]
    if (name[row] == "--collectors")
        return collectors
    if (name[row] == "--columns" || name[row] == "--sort")
        return columns
    return ""
}

function repeatable(row) { return text[row] ~ /repeatable/ }
