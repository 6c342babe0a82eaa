/*
 * CSV of samples at the speed of memory. Nine of ten samples of a usual process equal the one
 * before but for the time, so a row is made of
 *
 *   time,time_ns        written once per tick of a block, in slots of TIME_SLOT bytes
 *   the series' text    kept from tick to tick. Where a field changed and kept its length it is
 *                       overwritten in place; else the fields behind it are laid out again
 *
 * Copies are rounded up to COPY_SIZE bytes: all buffers have that much room behind their text.
 */
#include "analyzer/export_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/escape.h"
#include "analyzer/export_compact.h"
#include "analyzer/export_rows.h"

enum { TIME_SLOT = 64, COPY_SIZE = 32, NUMBER_ROOM = 64, BUFFER_SIZE = 256 * 1024 };
enum { CHANGE_VALUE = 1, CHANGE_MISSING = 2 };

struct csv_field {
    bool shown;  /* not missing */
    bool hidden; /* its value times the scale is beyond an integer: shown as missing */
    uint32_t size;
    uint32_t at; /* in the series' text */
    int64_t value;
    const char *text;
    char number[NUMBER_ROOM];
};

struct csv {
    struct export *e;
    int fd;
    int write_errno;
    struct compact compact;
    struct export_layout layout;
    struct output_cell *cell;  /* of the identity columns, from [layout.identity_at] */
    struct byte_writer labels; /* states' labels as CSV cells, COPY_SIZE bytes of room each */
    size_t *label_at[TABLE_METRICS_MAX]; /* [label_count + 1] */
    size_t fields_room;                  /* the longest that all metrics of a row can become */
    struct csv_field field[TABLE_METRICS_MAX];
    char *text; /* of the current series: identity, metrics, line end */
    size_t text_size, text_room, identity_size;
    char *time; /* [tick][TIME_SLOT] */
    uint8_t *time_size;
    uint8_t *change; /* [sample] of the current series: not as the one before */
    size_t tick_room;
    struct decimal_clock clock;
    char *buffer;
    size_t used, buffer_size;
};

static void flush(struct csv *x)
{
    recording_let_go(x->e->subject->recording);
    for (size_t at = 0; at < x->used && x->write_errno == 0;) {
        ssize_t wrote = write(x->fd, x->buffer + at, x->used - at);

        if (wrote >= 0)
            at += (size_t)wrote;
        else if (errno != EINTR)
            x->write_errno = errno;
    }
    x->used = 0;
}

/* Room for a row: its time, the series' text, and what copies write too much. */
static enum status make_room(struct csv *x, struct error *err)
{
    size_t need = TIME_SLOT + x->text_room + COPY_SIZE;
    char *larger;

    if (x->buffer_size - x->used >= need)
        return STATUS_OK;
    flush(x);
    if (x->buffer_size >= need)
        return STATUS_OK;
    larger = realloc(x->buffer, need + BUFFER_SIZE);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "output buffer");
    x->buffer = larger;
    x->buffer_size = need + BUFFER_SIZE;
    return STATUS_OK;
}

static inline void copy(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i += COPY_SIZE)
        memcpy(to + i, from + i, COPY_SIZE);
}

/* --- once per export --- */

static enum status prepare_labels(struct csv *x, size_t m, struct error *err)
{
    const struct export_metric *metric = &x->layout.metric[m];
    size_t longest = NUMBER_ROOM;

    x->label_at[m] = calloc(metric->label_count + 1, sizeof *x->label_at[m]);
    if (x->label_at[m] == NULL)
        return error_set(err, STATUS_NO_MEMORY, "labels");
    for (size_t i = 0; i < metric->label_count; i++) {
        const struct text *label = &metric->label[i];
        char *end;

        x->label_at[m][i] = x->labels.used;
        if (!bytes_reserve(&x->labels, ESCAPE_ROOM(label->size) + COPY_SIZE))
            return error_set(err, STATUS_NO_MEMORY, "labels");
        end = escape_put_csv((char *)x->labels.data + x->labels.used, label->data, label->size,
                             x->e->output.csv_safe);
        x->labels.used = (size_t)(end - (char *)x->labels.data);
        if (x->labels.used - x->label_at[m][i] > longest)
            longest = x->labels.used - x->label_at[m][i];
    }
    x->label_at[m][metric->label_count] = x->labels.used;
    x->fields_room += longest + 1;
    return STATUS_OK;
}

static char *put_cell(const struct csv *x, char *out, const struct output_column *column,
                      const struct output_cell *cell)
{
    if (cell->missing)
        return out;
    if (column->type == OUTPUT_TEXT)
        return escape_put_csv(out, cell->text, cell->text_size, x->e->output.csv_safe);
    return decimal_put_i64(out, cell->integer);
}

static void put_header(struct csv *x)
{
    char *out = x->buffer;

    for (size_t i = 0; i < x->layout.count; i++) {
        const char *name = x->layout.column[i].name;

        if (i > 0)
            *out++ = ',';
        out = escape_put_csv(out, name, strlen(name), false);
    }
    *out++ = '\r';
    *out++ = '\n';
    x->used = (size_t)(out - x->buffer);
}

static enum status prepare(struct csv *x, const struct recording_table *table, struct error *err)
{
    size_t header = 2;

    if (export_layout_init(&x->layout, table, err) != STATUS_OK)
        return err->status;
    for (size_t m = 0; m < table->metric_count; m++)
        if (export_wants_metric(x->e, m) &&
            (export_layout_metric(&x->layout, m, "", err) != STATUS_OK ||
             prepare_labels(x, m, err) != STATUS_OK))
            return err->status;
    for (size_t i = 0; i < x->layout.count; i++)
        header += ESCAPE_ROOM(strlen(x->layout.column[i].name)) + 1;
    x->buffer_size = header + BUFFER_SIZE;
    x->buffer = malloc(x->buffer_size);
    x->cell = calloc(x->layout.count + 1, sizeof *x->cell);
    if (x->buffer == NULL || x->cell == NULL)
        return error_set(err, STATUS_NO_MEMORY, "output buffer");
    put_header(x);
    return STATUS_OK;
}

static void release(struct csv *x)
{
    for (size_t m = 0; m < TABLE_METRICS_MAX; m++)
        free(x->label_at[m]);
    bytes_release(&x->labels);
    compact_release(&x->compact);
    export_layout_release(&x->layout);
    free(x->cell);
    free(x->text);
    free(x->time);
    free(x->time_size);
    free(x->change);
    free(x->buffer);
}

/* --- once per slice --- */

/* The same time in ns: behind its seconds come the nine digits that `rfc3339` ends in. */
static char *put_ns(char *out, const char *rfc3339, const struct decimal_clock *clock, int64_t ns)
{
    enum { DIGITS = 9 };

    if (clock->second <= 0)
        return decimal_put_i64(out, ns);
    out = decimal_put_u64(out, (uint64_t)clock->second);
    memcpy(out, rfc3339 + DECIMAL_CLOCK_SIZE, DIGITS);
    return out + DIGITS;
}

static enum status put_times(struct csv *x, const struct export_slice *slice, struct error *err)
{
    const struct block_table *table = slice->table;

    if (table->tick_count > x->tick_room) {
        free(x->time);
        free(x->time_size);
        free(x->change);
        x->tick_room = table->tick_count;
        x->time = malloc(x->tick_room * TIME_SLOT);
        x->time_size = malloc(x->tick_room);
        x->change = malloc(x->tick_room);
        if (x->time == NULL || x->time_size == NULL || x->change == NULL)
            return error_set(err, STATUS_NO_MEMORY, "times of a block");
    }
    for (uint32_t i = slice->first_tick; i < slice->end_tick; i++) {
        char *slot = x->time + (size_t)i * TIME_SLOT;
        char *out = decimal_put_rfc3339(&x->clock, slot, table->tick_ns[i]);

        *out++ = ',';
        out = put_ns(out, slot, &x->clock, table->tick_ns[i]);
        x->time_size[i] = (uint8_t)(out - slot);
    }
    return STATUS_OK;
}

/* --- once per series --- */

/* Lay the fields from `first` on behind each other. */
static void lay_out(struct csv *x, size_t first)
{
    size_t count = x->layout.table->metric_count;
    char *out = first == 0 ? x->text + x->identity_size : x->text + x->field[first].at - 1;

    for (size_t m = first; m < count; m++) {
        struct csv_field *f = &x->field[m];

        if (!export_wants_metric(x->e, m))
            continue;
        *out++ = ',';
        f->at = (uint32_t)(out - x->text);
        if (!f->shown)
            continue;
        if (f->size <= COPY_SIZE)
            memcpy(out, f->text, COPY_SIZE);
        else
            memcpy(out, f->text, f->size);
        out += f->size;
    }
    *out++ = '\r';
    *out++ = '\n';
    x->text_size = (size_t)(out - x->text);
}

static void format_state(struct csv *x, size_t m, int64_t value)
{
    struct csv_field *f = &x->field[m];
    char digits[EXPORT_DIGITS], cell[ESCAPE_ROOM(EXPORT_DIGITS)];
    size_t size;

    if (value >= 0 && (uint64_t)value < x->layout.metric[m].label_count) {
        f->text = (char *)x->labels.data + x->label_at[m][value];
        f->size = (uint32_t)(x->label_at[m][value + 1] - x->label_at[m][value]);
        return;
    }
    size = (size_t)(decimal_put_i64(digits, value) - digits);
    size = (size_t)(escape_put_csv(cell, digits, size, x->e->output.csv_safe) - cell);
    memcpy(f->number, cell, size);
    f->text = f->number;
    f->size = (uint32_t)size;
}

static void format(struct csv *x, size_t m, int64_t value)
{
    const struct export_metric *metric = &x->layout.metric[m];
    struct csv_field *f = &x->field[m];
    char *out = f->number;

    f->value = value;
    f->shown = true;
    f->hidden = false;
    if (metric->metric->kind == METRIC_STATE) {
        format_state(x, m, value);
        return;
    }
    if (metric->exponent < 0 && __builtin_mul_overflow(value, metric->metric->scale, &value)) {
        f->text = f->number;
        f->shown = false;
        f->hidden = true;
        return;
    }
    out = decimal_put_i64(out, value);
    for (int i = 0; i < metric->exponent && value != 0; i++)
        *out++ = '0';
    f->text = f->number;
    f->size = (uint32_t)(out - f->number);
}

/* Bring the text to other places in the columns: of the values, and of what is missing. */
static void update(struct csv *x, size_t value_at, size_t row)
{
    size_t count = x->layout.table->metric_count;
    size_t first = count;

    for (size_t m = 0; m < count; m++) {
        struct csv_field *f = &x->field[m];
        const struct compact_column *column = &x->compact.column[m];
        uint32_t size = f->shown ? f->size : 0;
        bool there;

        if (!column->decoded)
            continue;
        there = column->missing == NULL || column->missing[row] == MISSING_NONE;
        if (there == f->shown && (!there || column->value[value_at] == f->value))
            continue;
        if (there && column->value[value_at] == f->value && f->text != NULL)
            f->shown = !f->hidden;
        else if (there)
            format(x, m, column->value[value_at]);
        else
            f->shown = false;
        if ((f->shown ? f->size : 0) != size)
            first = first < m ? first : m;
        else if (size > 0)
            memcpy(x->text + f->at, f->text, size);
    }
    if (first < count)
        lay_out(x, first);
}

/* The text of the first row of a run: who it is, then all its fields. */
static enum status start_text(struct csv *x, size_t value_at, size_t row, struct error *err)
{
    const struct export_layout *layout = &x->layout;
    size_t need = x->fields_room + 2 + COPY_SIZE;
    char *out;

    for (size_t i = layout->identity_at; i < layout->metric_at; i++)
        need += ESCAPE_ROOM(x->cell[i].text_size) + DECIMAL_ROOM;
    if (need > x->text_room) {
        char *larger = realloc(x->text, need);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "a row");
        x->text = larger;
        x->text_room = need;
    }
    out = x->text;
    for (size_t i = layout->identity_at; i < layout->metric_at; i++) {
        *out++ = ',';
        out = put_cell(x, out, &layout->column[i], &x->cell[i]);
    }
    x->identity_size = (size_t)(out - x->text);
    for (size_t m = 0; m < layout->table->metric_count; m++)
        x->field[m].shown = false;
    lay_out(x, 0);
    update(x, value_at, row);
    return STATUS_OK;
}

/* Samples unlike the one before: in values, as the directory says, or in what is missing. */
static void find_changes(struct csv *x, const struct block_table *table, size_t series)
{
    uint32_t count = table->series[series].count;

    memset(x->change, 0, count);
    for (size_t a = table->active_at[series]; a < table->active_at[series + 1]; a++)
        x->change[table->active[a]] = CHANGE_VALUE;
    for (size_t m = 0; m < x->layout.table->metric_count; m++) {
        const uint8_t *missing = x->compact.column[m].missing;

        if (!x->compact.column[m].decoded || missing == NULL)
            continue;
        missing += compact_row(&x->compact, table, series);
        if (memcmp(missing, missing + 1, count - 1) == 0)
            continue;
        for (uint32_t k = 1; k < count; k++)
            x->change[k] |= missing[k] == missing[k - 1] ? 0 : CHANGE_MISSING;
    }
}

/* The next sample from `k` on that differs from the one before it, at most `end`. */
static uint32_t next_change(const struct csv *x, uint32_t k, uint32_t end)
{
    while (k < end && x->change[k] == 0)
        k++;
    return k;
}

/* Rows of one text: only their times differ. */
static enum status put_same(struct csv *x, uint32_t tick, uint32_t count, struct error *err)
{
    for (uint32_t i = tick; i < tick + count; i++) {
        char *out;

        if (make_room(x, err) != STATUS_OK)
            return err->status;
        out = x->buffer + x->used;
        memcpy(out, x->time + (size_t)i * TIME_SLOT, TIME_SLOT);
        out += x->time_size[i];
        copy(out, x->text, x->text_size);
        x->used = (size_t)(out - x->buffer) + x->text_size;
    }
    x->e->row_count += count;
    return STATUS_OK;
}

static enum status put_run(struct csv *x, const struct block_table *table, size_t series,
                           const struct export_run *run, struct error *err)
{
    size_t row = compact_row(&x->compact, table, series);
    size_t value_at = compact_value_at(&x->compact, table, series);
    uint32_t tick = table->series[series].first;

    for (uint32_t k = 0; k <= run->first; k++)
        value_at += (x->change[k] & CHANGE_VALUE) != 0;
    if (start_text(x, value_at, row + run->first, err) != STATUS_OK)
        return err->status;
    for (uint32_t k = run->first; k < run->end;) {
        uint32_t change = next_change(x, k + 1, run->end);

        if (put_same(x, tick + k, change - k, err) != STATUS_OK)
            return err->status;
        k = change;
        if (k < run->end) {
            value_at += (x->change[k] & CHANGE_VALUE) != 0;
            update(x, value_at, row + k);
        }
    }
    return STATUS_OK;
}

static enum status put_series(struct csv *x, const struct export_slice *slice, size_t series,
                              struct error *err)
{
    struct export_identity identity;
    struct export_run run = { 0 };

    if (export_identify(x->e, slice, x->layout.table, series, &identity, err) != STATUS_OK)
        return err->status;
    find_changes(x, slice->table, series);
    while (export_run_next(x->e, slice, series, &identity, 0, &run)) {
        export_identity_cells(x->e, &x->layout, &slice->table->series[series], &identity,
                              run.version, x->cell + x->layout.identity_at);
        if (put_run(x, slice->table, series, &run, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status visit(void *context, const struct export_slice *whole, struct error *err)
{
    struct csv *x = context;
    const struct block_table *table = whole->table;
    struct export_slice slice = *whole;
    size_t columns = table->shape->column_count;
    size_t first = whole->first_series, end = whole->end_series;
    size_t step =
        export_step(x->e, table,
                    (table->active_at[end] - table->active_at[first]) * columns * sizeof(int64_t) +
                        (table->row[end] - table->row[first]) * columns);

    if (put_times(x, whole, err) != STATUS_OK)
        return err->status;
    for (size_t s = first, next; s < end; s = next) {
        slice.first_series = s;
        slice.end_series = next = export_step_end(s, step, end);
        if (export_narrow(x->e, x->layout.table, &slice, err) != STATUS_OK)
            return err->status;
        if (slice.first_series == slice.end_series)
            continue;
        if (compact_decode(&x->compact, x->e, &slice, err) != STATUS_OK)
            return err->status;
        for (size_t i = slice.first_series; i < slice.end_series; i++) {
            if (put_series(x, &slice, i, err) != STATUS_OK)
                return err->status;
            if (x->write_errno != 0)
                return STATUS_IO;
        }
    }
    return STATUS_OK;
}

enum status export_csv(struct export *e, const struct recording_table *table, struct error *err)
{
    struct csv x = { .e = e, .fd = fileno(e->file) };
    enum status st = prepare(&x, table, err);

    if (st == STATUS_OK && fflush(e->file) != 0)
        x.write_errno = errno;
    if (st == STATUS_OK)
        st = export_walk(e, table, 0, visit, &x, err);
    if (st == STATUS_OK)
        flush(&x);
    if (x.write_errno != 0)
        st = error_set(err, STATUS_IO, "write the output: %s", strerror(x.write_errno));
    release(&x);
    return st;
}
