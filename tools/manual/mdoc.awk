# Text as mdoc(7) takes it; used by manual.awk and markdown.awk.

function mdoc_init() {
    glyph["×"] = "\\(mu"
    glyph["Δ"] = "\\(*D"
    glyph["Σ"] = "\\(*S"
    glyph["…"] = "..."
    glyph["≤"] = "\\(<="
    glyph["≥"] = "\\(>="
    glyph["⌈"] = "\\(lc"
    glyph["⌉"] = "\\(rc"
    glyph["→"] = "\\(->"
}

# Words within a line: what roff would take for its own becomes text.
function mdoc_words(text,    character) {
    gsub(/\\/, "\\e", text)
    gsub(/--/, "\\-\\-", text)
    for (character in glyph)
        gsub(character, glyph[character], text)
    if (text ~ /[\200-\377]/) {
        print FILENAME ": mdoc.awk knows no glyph for a character in: " text > "/dev/stderr"
        exit failed = 1
    }
    return text
}

# A line of its own must not look like a request.
function mdoc_line(text) { return (text ~ /^[.']/ ? "\\&" : "") text }

# A paragraph's words, already mdoc, in lines: each sentence begins one, so that roff spaces them.
function mdoc_lines(text,    lines, count, i, out) {
    count = split(mdoc_sentences(text), lines, "\n")
    for (i = 1; i <= count; i++)
        out = out (i > 1 ? "\n" : "") mdoc_fold(lines[i])
    return out
}

function mdoc_fold(line,    at) {
    for (at = 78; length(line) > 78 && at > 1; at--)
        if (substr(line, at, 1) == " ")
            return mdoc_line(substr(line, 1, at - 1)) "\n" mdoc_fold(substr(line, at + 1))
    return mdoc_line(line)
}

function mdoc_print(text) { print mdoc_lines(text) }

function mdoc_sentences(text) {
    while (match(text, /[.!?][)"]? +[^ ]/))
        text = substr(text, 1, RSTART) mdoc_break(substr(text, RSTART + 1))
    return text
}

function mdoc_break(rest) {
    if (rest ~ /^[)"]/)
        return substr(rest, 1, 1) mdoc_break(substr(rest, 2))
    sub(/^ +/, "\n", rest)
    return rest
}
