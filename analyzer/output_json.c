/* JSON (RFC 8259): one document, or one object per line. */
#include <string.h>

#include "analyzer/escape.h"
#include "analyzer/output_writer.h"

static void put_string(struct byte_writer *w, const char *text, size_t size)
{
    char *out = output_room(w, ESCAPE_ROOM(size));

    if (out != NULL)
        output_keep(w, escape_put_json(out, text, size));
}

/* Keys are the same in every row: escape them once. */
static void keys_begin(struct output *o)
{
    struct byte_writer key = { 0 };

    for (size_t i = 0; i < o->count; i++) {
        bytes_reset(&key);
        put_string(&key, o->columns[i].name, strlen(o->columns[i].name));
        bytes_put_u8(&key, ':');
        o->keys.full = o->keys.full || key.full;
        bytes_put_block(&o->keys, key.data, key.used);
    }
    bytes_release(&key);
}

static void json_begin(struct output *o)
{
    keys_begin(o);
    output_put_text(&o->bytes, "{\"columns\":[");
    for (size_t i = 0; i < o->count; i++) {
        if (i > 0)
            bytes_put_u8(&o->bytes, ',');
        put_string(&o->bytes, o->columns[i].name, strlen(o->columns[i].name));
    }
    output_put_text(&o->bytes, "],\"rows\":[");
}

static void put_cell(struct output *o, const struct output_column *column,
                     const struct output_cell *cell)
{
    char *out;

    if (output_is_missing(column, cell)) {
        bytes_put(&o->bytes, "null", 4);
        return;
    }
    if (column->type == OUTPUT_TEXT) {
        put_string(&o->bytes, cell->text, cell->text_size);
        return;
    }
    out = output_room(&o->bytes, OUTPUT_NUMBER_ROOM);
    if (out == NULL)
        return;
    if (column->type == OUTPUT_TIME)
        *out++ = '"';
    out = output_put_number(o, out, column, cell);
    if (column->type == OUTPUT_TIME)
        *out++ = '"';
    output_keep(&o->bytes, out);
}

static void put_object(struct output *o, const struct output_cell cells[])
{
    struct byte_reader keys = { .data = o->keys.data, .size = o->keys.used };

    bytes_put_u8(&o->bytes, '{');
    for (size_t i = 0; i < o->count; i++) {
        size_t size = 0;
        const uint8_t *key = bytes_get_block(&keys, &size);

        if (i > 0)
            bytes_put_u8(&o->bytes, ',');
        bytes_put(&o->bytes, key, size);
        put_cell(o, &o->columns[i], &cells[i]);
    }
    bytes_put_u8(&o->bytes, '}');
}

static void json_row(struct output *o, const struct output_cell cells[], enum output_style style)
{
    (void)style;
    output_put_text(&o->bytes, o->row_count == 0 ? "\n" : ",\n");
    put_object(o, cells);
}

static void ndjson_row(struct output *o, const struct output_cell cells[], enum output_style style)
{
    (void)style;
    put_object(o, cells);
    bytes_put_u8(&o->bytes, '\n');
}

static void json_note(struct output *o, const char *name, const char *text)
{
    if (o->note_count > 0)
        bytes_put_u8(&o->notes, ',');
    put_string(&o->notes, name, strlen(name));
    bytes_put_u8(&o->notes, ':');
    put_string(&o->notes, text, strlen(text));
}

static void json_end(struct output *o)
{
    output_put_text(&o->bytes, "\n],\"notes\":{");
    bytes_put(&o->bytes, o->notes.data, o->notes.used);
    output_put_text(&o->bytes, "}}\n");
}

static void ndjson_end(struct output *o)
{
    if (o->note_count == 0)
        return;
    output_put_text(&o->bytes, "{\"note\":{");
    bytes_put(&o->bytes, o->notes.data, o->notes.used);
    output_put_text(&o->bytes, "}}\n");
}

const struct output_writer output_json_writer = {
    .name = "json",
    .begin = json_begin,
    .row = json_row,
    .note = json_note,
    .end = json_end,
};

const struct output_writer output_ndjson_writer = {
    .name = "ndjson",
    .begin = keys_begin,
    .row = ndjson_row,
    .note = json_note,
    .end = ndjson_end,
};
