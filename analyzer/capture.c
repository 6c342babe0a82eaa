/* An output writer that keeps what it is given. */
#include "analyzer/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output_writer.h"

static void take_columns(struct output *o)
{
    struct capture *c = o->options.context;

    c->name = calloc(o->count + 1, sizeof *c->name);
    c->type = calloc(o->count + 1, sizeof *c->type);
    c->no_memory = c->name == NULL || c->type == NULL;
    for (size_t i = 0; i < o->count && !c->no_memory; i++) {
        c->name[i] = strdup(o->columns[i].name);
        c->type[i] = o->columns[i].type;
        c->no_memory = c->name[i] == NULL;
        c->column_count++;
    }
    if (c->columns_only || c->no_memory)
        o->write_errno = c->no_memory ? ENOMEM : ECANCELED;
}

static bool is_whole(const struct output_column *column, int64_t value, int64_t *whole)
{
    if (column->type != OUTPUT_DECIMAL)
        return (*whole = value, true);
    return column->exponent >= 0 && column->exponent < 19 &&
           !__builtin_mul_overflow(value, (int64_t)decimal_powers[column->exponent], whole);
}

static struct capture_cell keep_text(struct capture *c, const char *text, size_t size)
{
    struct capture_cell cell = { .kind = CAPTURE_TEXT, .text_size = (uint32_t)size };

    cell.as.text_at = c->text.used;
    bytes_put(&c->text, text, size);
    if (!c->text.full)
        return cell;
    c->no_memory = true;
    return (struct capture_cell){ .kind = CAPTURE_NULL };
}

struct capture_cell capture_convert(struct capture *c, const struct output_column *column,
                                    const struct output_cell *cell)
{
    struct capture_cell to = { .kind = CAPTURE_NULL };
    char number[OUTPUT_NUMBER_ROOM];
    struct decimal_clock clock = { 0 };

    if (output_is_missing(column, cell))
        return to;
    if (column->type == OUTPUT_TEXT)
        return keep_text(c, cell->text, cell->text_size);
    if (column->type == OUTPUT_TIME)
        return keep_text(c, number,
                         (size_t)(decimal_put_rfc3339(&clock, number, cell->integer) - number));
    to.kind = CAPTURE_INTEGER;
    if (column->type != OUTPUT_REAL && is_whole(column, cell->integer, &to.as.integer))
        return to;
    to.kind = CAPTURE_REAL;
    to.as.real = column->type == OUTPUT_REAL
                     ? cell->real
                     : (double)cell->integer / (double)decimal_powers[-column->exponent];
    return to;
}

static void take_row(struct output *o, const struct output_cell cells[], enum output_style style)
{
    struct capture *c = o->options.context;
    size_t used = c->row_count * c->column_count;

    (void)style;
    if (used + c->column_count > c->cell_size) {
        size_t more = c->cell_size * 2 + c->column_count * 64;
        struct capture_cell *larger = realloc(c->cell, more * sizeof *larger);

        if (larger == NULL) {
            c->no_memory = true;
            o->write_errno = ENOMEM;
            return;
        }
        c->cell = larger;
        c->cell_size = more;
    }
    for (size_t i = 0; i < c->column_count; i++)
        c->cell[used + i] = capture_convert(c, &o->columns[i], &cells[i]);
    c->row_count++;
    if (c->no_memory)
        o->write_errno = ENOMEM;
}

static void take_no_note(struct output *o, const char *name, const char *text)
{
    (void)o;
    (void)name;
    (void)text;
}

static void end(struct output *o)
{
    (void)o;
}

static const struct output_writer writer = { "capture", take_columns, take_row, take_no_note, end };

struct output_options capture_options(struct capture *capture)
{
    return (
        struct output_options){ .format = OUTPUT_NDJSON, .writer = &writer, .context = capture };
}

void capture_release(struct capture *c)
{
    for (size_t i = 0; i < c->column_count; i++)
        free(c->name[i]);
    free(c->name);
    free(c->type);
    free(c->cell);
    bytes_release(&c->text);
    *c = (struct capture){ 0 };
}
