/*
 * Tables for people.
 *
 * A row is rendered at once and kept as its style and one (columns, text) pair per cell, until
 * enough rows are there to know the widths; after that each row is kept only until it is printed.
 */
#include <math.h>
#include <string.h>

#include "analyzer/escape.h"
#include "analyzer/human.h"
#include "analyzer/output_writer.h"

#define KEEP_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define SEPARATOR "  "
#define SEPARATOR_SIZE 2
#define CUT_MIN 8 /* a text column is not made narrower than this */
#define ELLIPSIS "\xe2\x80\xa6"
#define BOLD "\x1b[1m"
#define DIM "\x1b[2m"
#define RESET "\x1b[0m"

enum { STYLE_HEADER = OUTPUT_DIM + 1 };

static double cell_number(const struct output_column *column, const struct output_cell *cell)
{
    if (column->type == OUTPUT_REAL)
        return cell->real;
    if (column->type == OUTPUT_DECIMAL && column->exponent < 0)
        return (double)cell->integer / (double)decimal_powers[-column->exponent];
    if (column->type == OUTPUT_DECIMAL)
        return (double)cell->integer * (double)decimal_powers[column->exponent];
    return (double)cell->integer;
}

static char *put_human(struct output *o, char *out, const struct output_column *column,
                       const struct output_cell *cell)
{
    switch (column->human) {
    case HUMAN_BYTES:
        return human_put_bytes(out, cell_number(column, cell));
    case HUMAN_SECONDS:
        return human_put_seconds(out, cell_number(column, cell));
    case HUMAN_PERCENT:
        return human_put_percent(out, cell_number(column, cell));
    case HUMAN_WATTS:
        return human_put_watts(out, cell_number(column, cell));
    case HUMAN_JOULES:
        return human_put_joules(out, cell_number(column, cell));
    case HUMAN_COUNT:
        return human_put_count(out, cell_number(column, cell));
    case HUMAN_TIME:
        return human_put_time(out, o->options.zone, cell->integer);
    default:
        return output_put_number(o, out, column, cell);
    }
}

/* Keep what `text` is, and widen the column for it. */
static void keep_cell(struct output *o, size_t index, const char *text, size_t size)
{
    size_t columns = escape_columns(text, size);

    if (!o->settled && columns > o->widths[index])
        o->widths[index] = columns;
    bytes_put_varint(&o->rows, columns);
    bytes_put_block(&o->rows, text, size);
}

/* Escape into the output buffer's free room, which serves as scratch; nothing is kept there. */
static void keep_text(struct output *o, size_t index, const char *text, size_t size)
{
    char *scratch = output_room(&o->bytes, ESCAPE_ROOM(size));

    if (scratch != NULL)
        keep_cell(o, index, scratch, (size_t)(escape_put_terminal(scratch, text, size) - scratch));
}

static void keep_value(struct output *o, size_t index, const struct output_cell *cell)
{
    const struct output_column *column = &o->columns[index];
    char text[OUTPUT_NUMBER_ROOM];

    if (output_is_missing(column, cell))
        keep_cell(o, index, "-", 1);
    else if (column->type == OUTPUT_TEXT)
        keep_text(o, index, cell->text, cell->text_size);
    else
        keep_cell(o, index, text, (size_t)(put_human(o, text, column, cell) - text));
}

static bool is_right_aligned(const struct output_column *column)
{
    return column->type != OUTPUT_TEXT && column->type != OUTPUT_TIME;
}

static void put_spaces(struct output *o, size_t count)
{
    char *out = output_room(&o->bytes, count);

    if (out != NULL) {
        memset(out, ' ', count);
        output_keep(&o->bytes, out + count);
    }
}

/* The column that gives way when a row is wider than the terminal; `count` when there is none. */
static size_t cut_column(const struct output *o)
{
    for (size_t i = o->count; o->options.width > 0 && i > 0; i--)
        if (o->columns[i - 1].type == OUTPUT_TEXT)
            return i - 1;
    return o->count;
}

static void settle_widths(struct output *o)
{
    size_t cut = cut_column(o);
    size_t total = 0;

    o->settled = true;
    for (size_t i = 0; i < o->count; i++)
        total += o->widths[i] + (i > 0 ? SEPARATOR_SIZE : 0);
    if (cut == o->count || total <= o->options.width)
        return;
    total -= o->widths[cut]; /* what the others take */
    if (total + CUT_MIN < o->options.width)
        o->widths[cut] = o->options.width - total;
    else if (o->widths[cut] > CUT_MIN)
        o->widths[cut] = CUT_MIN;
}

static void print_cell(struct output *o, size_t index, bool may_cut, struct byte_reader *row)
{
    size_t width = o->widths[index];
    size_t columns = (size_t)bytes_get_varint(row);
    size_t size = 0;
    const uint8_t *text = bytes_get_block(row, &size);
    bool cut = may_cut && columns > width;
    bool last = index + 1 == o->count;

    if (cut) {
        size = escape_cut((const char *)text, size, width - 1);
        columns = escape_columns((const char *)text, size) + 1;
    }
    if (index > 0)
        output_put_text(&o->bytes, SEPARATOR);
    if (is_right_aligned(&o->columns[index]) && columns < width)
        put_spaces(o, width - columns);
    bytes_put(&o->bytes, text, size);
    if (cut)
        output_put_text(&o->bytes, ELLIPSIS);
    if (!is_right_aligned(&o->columns[index]) && columns < width && !last)
        put_spaces(o, width - columns);
}

static void print_row(struct output *o, struct byte_reader *row)
{
    unsigned style = bytes_get_u8(row);
    bool coloured = o->options.colour && style != OUTPUT_NORMAL;
    size_t cut = cut_column(o);

    if (coloured)
        output_put_text(&o->bytes, style == STYLE_HEADER ? BOLD : DIM);
    for (size_t i = 0; i < o->count; i++)
        print_cell(o, i, i == cut, row);
    output_put_text(&o->bytes, coloured ? RESET "\n" : "\n");
}

static void print_kept(struct output *o)
{
    struct byte_reader rows = { .data = o->rows.data, .size = o->rows.used };

    if (!o->settled)
        settle_widths(o);
    while (bytes_left(&rows) > 0 && !output_broken(o)) {
        print_row(o, &rows);
        output_flush(o);
    }
    o->rows.used = 0;
}

static void table_begin(struct output *o)
{
    bytes_put_u8(&o->rows, STYLE_HEADER);
    for (size_t i = 0; i < o->count; i++)
        keep_text(o, i, o->columns[i].name, strlen(o->columns[i].name));
}

static void table_row(struct output *o, const struct output_cell cells[], enum output_style style)
{
    bytes_put_u8(&o->rows, (uint8_t)style);
    for (size_t i = 0; i < o->count; i++)
        keep_value(o, i, &cells[i]);
    if (o->settled || o->row_count + 1 >= OUTPUT_WIDTH_ROWS || o->rows.used >= KEEP_BYTES_MAX)
        print_kept(o);
}

static void table_end(struct output *o)
{
    print_kept(o);
    if (o->notes.used > 0)
        bytes_put_u8(&o->bytes, '\n');
    bytes_put(&o->bytes, o->notes.data, o->notes.used);
}

const struct output_writer output_table_writer = {
    .name = "table",
    .begin = table_begin,
    .row = table_row,
    .note = output_note_line,
    .end = table_end,
};
