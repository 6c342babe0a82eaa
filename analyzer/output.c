/* The part of the output that all formats share: buffering, numbers, errors. */
#include "analyzer/output.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/escape.h"
#include "analyzer/output_writer.h"
#include "analyzer/progress.h"

#define FLUSH_SIZE (64 * 1024)

static const struct output_writer *const writers[] = {
    [OUTPUT_TABLE] = &output_table_writer,
    [OUTPUT_CSV] = &output_csv_writer,
    [OUTPUT_JSON] = &output_json_writer,
    [OUTPUT_NDJSON] = &output_ndjson_writer,
};

enum status output_format_parse(const char *text, enum output_format *format, struct error *err)
{
    char shown[80];

    for (size_t i = 0; i < COUNT_OF(writers); i++) {
        if (strcmp(text, writers[i]->name) == 0) {
            *format = (enum output_format)i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INVALID, "format \"%s\" is not table, csv, json or ndjson",
                     escape_show(shown, sizeof shown, text));
}

bool output_is_missing(const struct output_column *column, const struct output_cell *cell)
{
    return cell->missing || (column->type == OUTPUT_REAL && !isfinite(cell->real));
}

char *output_put_number(struct output *o, char *out, const struct output_column *column,
                        const struct output_cell *cell)
{
    switch (column->type) {
    case OUTPUT_TIME:
        return decimal_put_rfc3339(&o->clock, out, cell->integer);
    case OUTPUT_DECIMAL:
        return decimal_put_scaled(out, cell->integer, column->exponent);
    case OUTPUT_REAL:
        return decimal_put_real(out, cell->real);
    default:
        return decimal_put_i64(out, cell->integer);
    }
}

char *output_room(struct byte_writer *w, size_t more)
{
    return bytes_reserve(w, more) ? (char *)w->data + w->used : NULL;
}

void output_keep(struct byte_writer *w, const char *end)
{
    w->used = (size_t)(end - (const char *)w->data);
}

void output_put_text(struct byte_writer *w, const char *text)
{
    bytes_put(w, text, strlen(text));
}

void output_note_line(struct output *o, const char *name, const char *text)
{
    size_t size = strlen(text);
    char *out;

    output_put_text(&o->notes, name);
    output_put_text(&o->notes, ": ");
    out = output_room(&o->notes, ESCAPE_ROOM(size));
    if (out == NULL)
        return;
    output_keep(&o->notes, escape_put_terminal(out, text, size));
    bytes_put_u8(&o->notes, '\n');
}

bool output_broken(const struct output *o)
{
    return o->write_errno != 0 || o->bytes.full || o->notes.full || o->keys.full || o->rows.full;
}

void output_flush(struct output *o)
{
    if (o->bytes.used > 0 && !output_broken(o)) {
        if (isatty(fileno(o->file)) == 1)
            progress_clear();
        errno = 0;
        if (fwrite(o->bytes.data, 1, o->bytes.used, o->file) != o->bytes.used)
            o->write_errno = errno != 0 ? errno : EIO;
    }
    o->bytes.used = 0;
}

enum status output_open(struct output *o, FILE *file, const struct output_column columns[],
                        size_t count, const struct output_options *options, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        assert(columns[i].exponent >= -19 && columns[i].exponent <= 19);
    *o = (struct output){
        .file = file,
        .writer = options->writer != NULL ? options->writer : writers[options->format],
        .columns = columns,
        .count = count,
        .options = *options,
    };
    o->widths = calloc(count + 1, sizeof *o->widths);
    if (o->widths == NULL || !bytes_reserve(&o->bytes, FLUSH_SIZE)) {
        o->bytes.full = true;
        return error_set(err, STATUS_NO_MEMORY, "no memory for %zu columns", count);
    }
    o->writer->begin(o);
    return STATUS_OK;
}

void output_row(struct output *o, const struct output_cell cells[], enum output_style style)
{
    if (output_broken(o))
        return;
    o->writer->row(o, cells, style);
    o->row_count++;
    if (o->bytes.used >= FLUSH_SIZE)
        output_flush(o);
}

void output_note(struct output *o, const char *name, const char *text)
{
    if (output_broken(o))
        return;
    o->writer->note(o, name, text);
    o->note_count++;
}

enum status output_close(struct output *o, struct error *err)
{
    enum status st = STATUS_OK;
    bool no_memory;

    progress_clear(); /* notes may go to the same terminal */
    if (o->writer != NULL && !output_broken(o))
        o->writer->end(o);
    no_memory = o->write_errno == 0 && output_broken(o);
    output_flush(o);
    if (o->file != NULL && fflush(o->file) != 0 && o->write_errno == 0)
        o->write_errno = errno;
    if (o->write_errno != 0)
        st = error_set(err, STATUS_IO, "write the output: %s", strerror(o->write_errno));
    else if (no_memory)
        st = error_set(err, STATUS_NO_MEMORY, "no memory for the output");
    bytes_release(&o->bytes);
    bytes_release(&o->notes);
    bytes_release(&o->keys);
    bytes_release(&o->rows);
    free(o->widths);
    *o = (struct output){ 0 };
    return st;
}
