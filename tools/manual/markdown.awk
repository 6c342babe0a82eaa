# The markdown that schema/FORMAT.md uses -> mdoc(7): a page of section 5.
#
#   awk -f mdoc.awk -f markdown.awk -v page=pscope -v what="..." -v date=... FORMAT.md > pscope.5
#
# Understood: "# " (passed over), "## ", paragraphs, tables, code set in by four spaces, lists of "1. " and
# "* ", and in words **strong**, *emphasis*, `code` and [links](#there). Lines of links to sections, a table
# of contents, are left out: a page is short of those.

BEGIN {
    WIDE = 24
    mdoc_init()
    print "'\\\" t" # man(1) then runs it through tbl(1)
    print ".\\\" Written by tools/manual/markdown.awk from " source "; do not edit."
    print ".Dd " date
    print ".Dt " toupper(page) " 5"
    print ".Os"
    print ".Sh NAME"
    print ".Nm " page
    print ".Nd " what
    print ".Sh DESCRIPTION"
    after_heading = 1
}

# Text between two marks gets a font.
function set_font(text, mark, font,    begin, end, size) {
    size = length(mark)
    for (;;) {
        begin = index(text, mark)
        if (begin == 0)
            return text
        end = index(substr(text, begin + size), mark)
        if (end == 0)
            return text
        text = substr(text, 1, begin - 1) font substr(text, begin + size, end - 1) "\\fR" \
               substr(text, begin + end + 2 * size - 1)
    }
}

function words(text,    parts, count, i, out) {
    count = split(text, parts, "`")
    for (i = 1; i <= count; i++) {
        parts[i] = mdoc_words(parts[i])
        if (i % 2 == 0) {
            gsub(/\\-\\-/, "--", parts[i])
            gsub(/-/, "\\-", parts[i])
            gsub(/\*/, "\001", parts[i]) # no emphasis there
            out = out "\\fB" parts[i] "\\fR"
        } else {
            gsub(/\[[^]]*\]\([^)]*\)/, "&\002", parts[i])
            while (match(parts[i], /\]\([^)]*\)\002/))
                parts[i] = substr(parts[i], 1, RSTART - 1) substr(parts[i], RSTART + RLENGTH)
            out = out parts[i]
        }
    }
    gsub(/\\\(\*/, "\003", out) # the star of a glyph
    out = set_font(out, "**", "\\fB")
    if (match(out, /\*[a-z][^*]*\*/))
        out = set_font(out, "*", "\\fI")
    gsub(/\003/, "\\(*", out)
    gsub(/\001/, "*", out)
    return out
}

function end_of_block() {
    if (paragraph != "")
        mdoc_print(words(paragraph))
    if (state == "table")
        print_table()
    if (state == "code")
        print ".Ed"
    if (state == "list")
        print ".El"
    paragraph = state = ""
}

function enter(what) {
    end_of_block()
    state = what
}

function gap() {
    if (!after_heading)
        print ".Pp"
    after_heading = 0
}

# A table is kept until its end: how wide its columns are is known then.
function table_row(line,    cells, count, i) {
    if (state != "table") {
        enter("table")
        gap()
        rows = columns = 0
    }
    sub(/^\| */, "", line)
    sub(/ *\|$/, "", line)
    count = split(line, cells, / *\| */)
    rows++
    for (i = 1; i <= count; i++) {
        cell[rows, i] = cells[i]
        if (rows == 1 || length(cells[i]) > width[i])
            width[i] = length(cells[i])
    }
    if (rows == 1)
        columns = count
}

# The last column takes what is left of the line; wide ones before it are broken too, so that
# the page fits in 80 characters.
function print_table(    wide, row, i, head, body, out) {
    wide = columns > 3 ? int(2 * WIDE / (columns - 1)) : WIDE
    print ".TS\nnokeep;"
    for (i = 1; i <= columns; i++) {
        out = i == columns ? "x" : width[i] > wide ? "w(" wide "n)" : ""
        head = head (i > 1 ? " " : "") "lb" out
        body = body (i > 1 ? " " : "") "l" out
    }
    print head "\n" body "."
    for (row = 1; row <= rows; row++) {
        out = ""
        for (i = 1; i <= columns; i++)
            out = out (i > 1 ? "\t" : "") \
                  print_cell(cell[row, i], i == columns ? length(cell[row, i]) > 12 : width[i] > wide)
        print out
    }
    print ".TE"
}

function print_cell(text, broken) {
    text = words(text)
    return broken && text != "" ? "T{\n" mdoc_lines(text) "\nT}" : mdoc_line(text)
}

{ sub(/ +$/, "") }
/^# / { next }
/^[0-9]+\. \[/ || /\]\(#[^)]*\)$/ { next }
/^## / {
    end_of_block()
    print ".Ss " words(substr($0, 4))
    after_heading = 1
    next
}
/^\|[-|: ]+\|$/ && state == "table" { next }
/^\|/ { table_row($0); next }
/^    / && state != "list" && paragraph == "" {
    if (state != "code") {
        enter("code")
        print ".Bd -literal -offset indent"
        after_heading = 0
    }
    print mdoc_line(mdoc_words(substr($0, 5)))
    next
}
/^([0-9]+\.|\*) / {
    kind = /^\*/ ? "-bullet" : "-enum"
    if (state == "list") {
        mdoc_print(words(paragraph))
    } else {
        enter("list")
        print ".Bl " kind
    }
    after_heading = 0
    print ".It"
    sub(/^([0-9]+\.|\*) +/, "")
    paragraph = $0
    next
}
/^$/ { end_of_block(); next }
{
    sub(/^ +/, "")
    if (state != "list" && state != "text") {
        enter("text")
        gap()
    }
    paragraph = paragraph (paragraph == "" ? "" : " ") $0
}
END {
    if (failed)
        exit 1
    end_of_block()
    print ".Sh SEE ALSO"
    print ".Xr procscope 1 ,\n.Xr procscoped 8"
}
