#include "analyzer/page_writer.h"

#include <string.h>

#include "analyzer/escape.h"
#include "analyzer/output_writer.h"
#include "analyzer/page.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* Where to cut so that no character is. */
static size_t cut(const char *text, size_t size, size_t most)
{
    size_t at = most;

    if (most == 0 || size <= most)
        return size;
    while (at > 0 && at + 4 > most && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

void page_writer_text(struct byte_writer *w, const char *text, size_t size, size_t most)
{
    size_t whole = cut(text, size, most);
    struct byte_writer shown = { 0 };
    char *out = output_room(&shown, ESCAPE_ROOM(whole) + sizeof ELLIPSIS);

    if (out != NULL) {
        out = escape_put_terminal(out, text, whole);
        if (whole < size) {
            memcpy(out, ELLIPSIS, sizeof ELLIPSIS - 1);
            out += sizeof ELLIPSIS - 1;
        }
        output_keep(&shown, out);
        out = output_room(w, ESCAPE_ROOM(shown.used));
    }
    if (out != NULL)
        output_keep(w, escape_put_json(out, (const char *)shown.data, shown.used));
    w->full |= shown.full;
    bytes_release(&shown);
}

static void page_begin(struct output *o)
{
    output_put_text(&o->bytes, "{\"rows\":[");
}

static void put_cell(struct output *o, const struct output_column *column,
                     const struct output_cell *cell)
{
    char *out;

    if (output_is_missing(column, cell)) {
        output_put_text(&o->bytes, "null");
        return;
    }
    if (column->type == OUTPUT_TEXT) {
        page_writer_text(&o->bytes, cell->text, cell->text_size, PAGE_COMMAND_LINE_MOST);
        return;
    }
    out = output_room(&o->bytes, OUTPUT_NUMBER_ROOM);
    if (out == NULL)
        return;
    if (column->type == OUTPUT_TIME) {
        *out++ = '"';
        out = decimal_put_i64(out, cell->integer);
        *out++ = '"';
    } else {
        out = output_put_number(o, out, column, cell);
    }
    output_keep(&o->bytes, out);
}

static void page_row(struct output *o, const struct output_cell cells[], enum output_style style)
{
    (void)style;
    output_put_text(&o->bytes, o->row_count == 0 ? "\n[" : ",\n[");
    for (size_t i = 0; i < o->count; i++) {
        if (i > 0)
            bytes_put_u8(&o->bytes, ',');
        put_cell(o, &o->columns[i], &cells[i]);
    }
    bytes_put_u8(&o->bytes, ']');
}

static void page_note(struct output *o, const char *name, const char *text)
{
    output_put_text(&o->notes, o->note_count > 0 ? ",[" : "[");
    page_writer_text(&o->notes, name, strlen(name), 0);
    bytes_put_u8(&o->notes, ',');
    page_writer_text(&o->notes, text, strlen(text), 0);
    bytes_put_u8(&o->notes, ']');
}

static void page_end(struct output *o)
{
    output_put_text(&o->bytes, "],\"notes\":[");
    bytes_put(&o->bytes, o->notes.data, o->notes.used);
    output_put_text(&o->bytes, "]}");
}

const struct output_writer page_writer = {
    .name = "page",
    .begin = page_begin,
    .row = page_row,
    .note = page_note,
    .end = page_end,
};
