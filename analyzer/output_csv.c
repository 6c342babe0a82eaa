/* CSV, per RFC 4180. */
#include <stdio.h>

#include "analyzer/escape.h"
#include "analyzer/output_writer.h"

#define LINE_END "\r\n"

static void put_text_cell(struct output *o, const char *text, size_t size, bool safe)
{
    char *out = output_room(&o->bytes, ESCAPE_ROOM(size));

    if (out != NULL)
        output_keep(&o->bytes, escape_put_csv(out, text, size, safe));
}

static void csv_begin(struct output *o)
{
    for (size_t i = 0; i < o->count; i++) {
        const char *name = o->columns[i].name;

        if (i > 0)
            bytes_put_u8(&o->bytes, ',');
        put_text_cell(o, name, strlen(name), false);
    }
    output_put_text(&o->bytes, LINE_END);
}

static void csv_row(struct output *o, const struct output_cell cells[], enum output_style style)
{
    (void)style;
    for (size_t i = 0; i < o->count; i++) {
        const struct output_column *column = &o->columns[i];
        char *out;

        if (i > 0)
            bytes_put_u8(&o->bytes, ',');
        if (output_is_missing(column, &cells[i]))
            continue;
        if (column->type == OUTPUT_TEXT) {
            put_text_cell(o, cells[i].text, cells[i].text_size, o->options.csv_safe);
            continue;
        }
        out = output_room(&o->bytes, OUTPUT_NUMBER_ROOM);
        if (out != NULL)
            output_keep(&o->bytes, output_put_number(o, out, column, &cells[i]));
    }
    output_put_text(&o->bytes, LINE_END);
}

/* The notes' stream is a courtesy, usually stderr: that it failed does not damage the CSV. */
static void csv_end(struct output *o)
{
    if (o->options.notes == NULL || o->notes.used == 0)
        return;
    (void)fwrite(o->notes.data, 1, o->notes.used, o->options.notes);
    (void)fflush(o->options.notes);
}

const struct output_writer output_csv_writer = {
    .name = "csv",
    .begin = csv_begin,
    .row = csv_row,
    .note = output_note_line,
    .end = csv_end,
};
