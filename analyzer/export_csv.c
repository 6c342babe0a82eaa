/*
 * CSV of samples at the speed of memory. Nine of ten samples of a usual process equal the one
 * before but for the time, so a row is made of
 *
 *   time,time_ns        written once per tick of a block, in slots of TIME_SLOT bytes
 *   the series' text    patched from row to row: export_text.h, by what export_changes.h tells
 */
#include "analyzer/export_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/escape.h"
#include "analyzer/export_changes.h"
#include "analyzer/export_text.h"

enum { TIME_SLOT = 64, BUFFER_SIZE = 256 * 1024 };

struct csv {
    struct export *e;
    int fd;
    int write_errno;
    struct export_layout layout;
    struct changes changes;
    struct export_text text;
    char *time; /* [tick][TIME_SLOT] */
    uint8_t *time_size;
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

/* Room for `rows` rows, or fewer but one: their times, `text`, and what copies write too much. */
static enum status make_room(struct csv *x, size_t text, uint32_t *rows, struct error *err)
{
    size_t row = TIME_SLOT + text, slack = TIME_SLOT + TEXT_COPY_SIZE;

    if (x->buffer_size - x->used >= *rows * row + slack)
        return STATUS_OK;
    flush(x);
    if (x->buffer_size < row + slack) {
        char *larger = realloc(x->buffer, row + slack + BUFFER_SIZE);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "output buffer");
        x->buffer = larger;
        x->buffer_size = row + slack + BUFFER_SIZE;
    }
    if ((x->buffer_size - slack) / row < *rows)
        *rows = (uint32_t)((x->buffer_size - slack) / row);
    return STATUS_OK;
}

/* --- once per export --- */

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
            export_layout_metric(&x->layout, m, "", err) != STATUS_OK)
            return err->status;
    for (size_t i = 0; i < x->layout.count; i++)
        header += ESCAPE_ROOM(strlen(x->layout.column[i].name)) + 1;
    x->buffer_size = header + BUFFER_SIZE;
    x->buffer = malloc(x->buffer_size);
    if (x->buffer == NULL)
        return error_set(err, STATUS_NO_MEMORY, "output buffer");
    put_header(x);
    return export_text_init(&x->text, x->e, &x->layout, err);
}

static void release(struct csv *x)
{
    export_text_release(&x->text);
    changes_release(&x->changes);
    export_layout_release(&x->layout);
    free(x->time);
    free(x->time_size);
    free(x->buffer);
}

/* --- once per slice --- */

/* The same time in ns: behind its seconds come the nine digits that `rfc3339` ends in. */
static char *put_ns(char *out, const char *rfc3339, const struct decimal_clock *clock, int64_t ns)
{
    enum { DIGITS = 9 };

    if (clock->epoch_size == 0)
        return decimal_put_i64(out, ns);
    memcpy(out, clock->epoch, DECIMAL_EPOCH_ROOM);
    out += clock->epoch_size;
    memcpy(out, rfc3339 + DECIMAL_CLOCK_SIZE, DIGITS);
    return out + DIGITS;
}

static enum status put_times(struct csv *x, const struct export_slice *slice, struct error *err)
{
    const struct block_table *table = slice->table;

    if (table->tick_count > x->tick_room) {
        free(x->time);
        free(x->time_size);
        x->tick_room = table->tick_count;
        x->time = malloc(x->tick_room * TIME_SLOT);
        x->time_size = malloc(x->tick_room);
        if (x->time == NULL || x->time_size == NULL)
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

/* The next sample from `k` on that differs from the one before it, at most `end`. */
static uint32_t next_change(const struct csv *x, uint32_t k, uint32_t end)
{
    while (k < end && x->changes.change[k] == 0)
        k++;
    return k;
}

/* Rows of one text: only their times differ. */
static enum status put_same(struct csv *x, uint32_t tick, uint32_t end, struct error *err)
{
    const struct text_row *row = &x->text.row[x->text.current];

    x->e->row_count += end - tick;
    while (tick < end) {
        uint32_t rows = end - tick;
        char *out;

        if (make_room(x, row->size, &rows, err) != STATUS_OK)
            return err->status;
        out = x->buffer + x->used;
        for (; rows > 0; rows--, tick++) {
            memcpy(out, x->time + (size_t)tick * TIME_SLOT, TIME_SLOT);
            out += x->time_size[tick];
            export_text_copy(out, row->text, row->size);
            out += row->size;
        }
        x->used = (size_t)(out - x->buffer);
    }
    return STATUS_OK;
}

static enum status put_run(struct csv *x, uint32_t first_tick, const struct export_run *run,
                           struct error *err)
{
    struct changes *changes = &x->changes;

    (void)changes_go_to(changes, run->first);
    if (export_text_begin(&x->text, changes->value, changes->there, err) != STATUS_OK)
        return err->status;
    for (uint32_t k = run->first; k < run->end;) {
        uint32_t change = next_change(x, k + 1, run->end);

        if (put_same(x, first_tick + k, first_tick + change, err) != STATUS_OK)
            return err->status;
        k = change;
        if (k < run->end) {
            uint64_t moved = changes_go_to(changes, k);

            export_text_move(&x->text, changes->value, moved, changes->there);
        }
    }
    return STATUS_OK;
}

static enum status put_series(struct csv *x, const struct export_slice *slice, size_t series,
                              struct error *err)
{
    const struct series *s = &slice->table->series[series];
    struct export_identity identity;
    struct export_run run = { 0 };

    if (export_identify(x->e, slice, x->layout.table, series, &identity, err) != STATUS_OK)
        return err->status;
    changes_begin(&x->changes, series);
    while (export_run_next(x->e, slice, series, &identity, 0, &run)) {
        export_identity_cells(x->e, &x->layout, s, &identity, run.version,
                              x->text.cell + x->layout.identity_at);
        if (put_run(x, s->first, &run, err) != STATUS_OK)
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
        if (changes_decode(&x->changes, x->e, &slice, err) != STATUS_OK)
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
