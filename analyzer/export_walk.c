/* Walking the blocks of a window. */
#include "analyzer/export_walk.h"

#include <stdlib.h>

enum status export_damage(struct export *e, enum status st, const struct error *err)
{
    if (st != STATUS_CORRUPT)
        return st;
    if (e->damaged_count++ == 0)
        e->damage = *err;
    return STATUS_OK;
}

static bool in_window(const struct export *e, unsigned level, int64_t time_ns)
{
    const struct window *window = &e->subject->window;

    if (e->subject->whole)
        return true;
    if (level == 0)
        return time_ns > window->from_ns && time_ns <= window->to_ns;
    return time_ns < window->to_ns &&
           (int128)time_ns + level_seconds[level] * 1000000000 > window->from_ns;
}

static bool block_in_window(const struct export *e, const struct recording_block *block)
{
    const struct window *window = &e->subject->window;

    return e->subject->whole ||
           (block->start_ns <= window->to_ns && block->end_ns > window->from_ns);
}

static void find_ticks(const struct export *e, struct export_slice *slice)
{
    const struct block_table *table = slice->table;
    unsigned level = table->shape->level;

    while (slice->first_tick < table->tick_count &&
           !in_window(e, level, table->tick_ns[slice->first_tick]))
        slice->first_tick++;
    slice->end_tick = slice->first_tick;
    while (slice->end_tick < table->tick_count &&
           in_window(e, level, table->tick_ns[slice->end_tick]))
        slice->end_tick++;
}

static enum status visit_block(struct export *e, const struct recording_table *table,
                               const struct recording_block *block, export_visit *visit,
                               void *context, struct error *err)
{
    struct recording *recording = e->subject->recording;
    struct block_table directory;
    struct block_ticks ticks;
    struct export_slice slice = { .block = block, .table = &directory };
    enum status st = recording_ticks(recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    st = recording_directory(recording, block, table, &ticks, &directory, err);
    if (st == STATUS_OK) {
        slice.end_series = directory.series_count;
        find_ticks(e, &slice);
        if (slice.first_tick < slice.end_tick)
            st = visit(context, &slice, err);
        block_table_release(&directory);
    }
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status export_walk(struct export *e, const struct recording_table *table, unsigned level,
                        export_visit *visit, void *context, struct error *err)
{
    const struct recording_contents *c = e->subject->contents;

    for (size_t b = 0; b < c->block_count[level]; b++) {
        const struct recording_block *block = &c->blocks[level][b];
        enum status st;

        if (!block_in_window(e, block))
            continue;
        e->block_count++;
        st = export_damage(e, visit_block(e, table, block, visit, context, err), err);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

/* --- which series --- */

static bool is_chosen(const struct export *e, const struct process *process)
{
    bool chosen = process->version_count == 0 &&
                  select_match(e->select, e->subject->recording, process, NULL);

    for (size_t v = 0; v < process->version_count && !chosen; v++)
        chosen = select_match(e->select, e->subject->recording, process, &process->versions[v]);
    return chosen;
}

enum status export_narrow(struct export *e, const struct recording_table *table,
                          struct export_slice *slice, struct error *err)
{
    int key = table->key[0] == ENTITY_PROCESS ? 0 : 1;
    size_t first = slice->end_series, end = slice->first_series;

    if (select_all(e->select) || table->key[key] != ENTITY_PROCESS)
        return STATUS_OK;
    for (size_t i = slice->first_series; i < slice->end_series; i++) {
        const struct process *process;
        enum status st = recording_process(e->subject->recording, slice->block,
                                           slice->table->series[i].key[key], &process, err);

        if (st != STATUS_OK && st != STATUS_CORRUPT)
            return st;
        if (st == STATUS_OK && !is_chosen(e, process))
            continue; /* of one that is not stored, who looks closer tells */
        first = first < i ? first : i;
        end = i + 1;
    }
    slice->first_series = first < end ? first : end;
    slice->end_series = end;
    return STATUS_OK;
}

/* --- dense columns --- */

static void release_columns(struct export_dense *dense)
{
    for (size_t c = 0; c < dense->count; c++)
        block_column_release(&dense->column[c]);
}

void export_dense_release(struct export_dense *dense)
{
    release_columns(dense);
    free(dense->column);
    free(dense->decoded);
    *dense = (struct export_dense){ 0 };
}

static enum status prepare(struct export_dense *dense, size_t count, struct error *err)
{
    if (dense->count == count)
        return STATUS_OK;
    export_dense_release(dense);
    dense->column = calloc(count, sizeof *dense->column);
    dense->decoded = calloc(count, sizeof *dense->decoded);
    if (dense->column == NULL || dense->decoded == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu columns", count);
    dense->count = count;
    return STATUS_OK;
}

static enum status decode(struct export_dense *dense, struct export *e,
                          const struct block_table *table, struct series_range which,
                          struct error *err)
{
    for (size_t c = 0; c < dense->count; c++) {
        dense->decoded[c] = export_wants(e, table, c);
        if (dense->decoded[c] && recording_column(e->subject->recording, table, c, which,
                                                  &dense->column[c], err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

enum status export_dense(struct export_dense *dense, struct export *e,
                         const struct recording_table *of, const struct export_slice *whole,
                         export_visit *visit, void *context, struct error *err)
{
    const struct block_table *table = whole->table;
    struct export_slice slice = *whole;
    size_t bytes = 0, step;
    enum status st = prepare(dense, table->shape->column_count, err);

    for (size_t c = 0; c < table->shape->column_count; c++)
        if (export_wants(e, table, c))
            bytes += table->row[table->series_count] * (sizeof(int64_t) + 1);
    step = export_step(e, table, bytes);
    slice.column = dense->column;
    slice.decoded = dense->decoded;
    for (size_t s = 0; s < table->series_count && st == STATUS_OK; s += step) {
        slice.first_series = s;
        slice.end_series = table->series_count - s < step ? table->series_count : s + step;
        st = export_narrow(e, of, &slice, err);
        if (st != STATUS_OK || slice.first_series == slice.end_series)
            continue;
        st = decode(dense, e, table, (struct series_range){ slice.first_series, slice.end_series },
                    err);
        if (st == STATUS_OK)
            st = visit(context, &slice, err);
        if (step != table->series_count)
            release_columns(dense); /* or it all would add up to the whole block after all */
    }
    return st;
}
