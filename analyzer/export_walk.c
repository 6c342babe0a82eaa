/* Walking the blocks of a window. */
#include "analyzer/export_walk.h"

#include <stdlib.h>

struct walk {
    struct export *e;
    const struct recording_table *table;
    export_visit *visit;
    void *context;
    size_t column_count;
    struct block_column *column;
    bool *decoded;
};

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

static void find_ticks(const struct walk *w, const struct block_table *table,
                       struct export_slice *slice)
{
    unsigned level = table->shape->level;

    while (slice->first_tick < table->tick_count &&
           !in_window(w->e, level, table->tick_ns[slice->first_tick]))
        slice->first_tick++;
    slice->end_tick = slice->first_tick;
    while (slice->end_tick < table->tick_count &&
           in_window(w->e, level, table->tick_ns[slice->end_tick]))
        slice->end_tick++;
}

static void release_columns(struct walk *w)
{
    for (size_t c = 0; w->column != NULL && c < w->column_count; c++)
        block_column_release(&w->column[c]);
}

/* Columns in which everything is missing are not decoded, unless the reasons are asked for. */
static enum status decode(struct walk *w, const struct block_table *table, size_t only_series,
                          struct error *err)
{
    for (unsigned c = 0; c < table->shape->column_count; c++) {
        w->decoded[c] = table->column_state[c] < 2 || w->e->missing_reasons;
        if (w->decoded[c] && recording_column(w->e->subject->recording, table, c, only_series,
                                              &w->column[c], err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static size_t slice_bytes(const struct walk *w, const struct block_table *table)
{
    size_t columns = 0;

    for (unsigned c = 0; c < table->shape->column_count; c++)
        columns += table->column_state[c] < 2 || w->e->missing_reasons;
    return table->row[table->series_count] * columns * (sizeof(int64_t) + 1);
}

static enum status visit_table(struct walk *w, struct export_slice *slice, struct error *err)
{
    const struct block_table *table = slice->table;
    enum status st = STATUS_OK;
    size_t step = table->series_count;

    if (slice_bytes(w, table) > EXPORT_SLICE_BYTES)
        step = GROUP_SERIES;
    for (size_t s = 0; s < table->series_count && st == STATUS_OK; s += step) {
        slice->first_series = s;
        slice->end_series = table->series_count - s < step ? table->series_count : s + step;
        st = decode(w, table, step == table->series_count ? SIZE_MAX : s, err);
        if (st == STATUS_OK)
            st = w->visit(w->context, slice, err);
        if (step != table->series_count)
            release_columns(w); /* or it all would add up to the whole block after all */
    }
    return st;
}

static enum status visit_block(struct walk *w, const struct recording_block *block,
                               struct error *err)
{
    struct recording *recording = w->e->subject->recording;
    struct block_table directory;
    struct block_ticks ticks;
    struct export_slice slice = { .block = block, .table = &directory, .column = w->column,
                                  .decoded = w->decoded };
    enum status st = recording_ticks(recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    st = recording_directory(recording, block, w->table, &ticks, &directory, err);
    if (st == STATUS_OK) {
        find_ticks(w, &directory, &slice);
        if (slice.first_tick < slice.end_tick)
            st = visit_table(w, &slice, err);
        block_table_release(&directory);
    }
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status export_walk(struct export *e, const struct recording_table *table, unsigned level,
                        export_visit *visit, void *context, struct error *err)
{
    const struct recording_contents *c = e->subject->contents;
    struct walk w = { .e = e, .table = table, .visit = visit, .context = context,
                      .column_count = table->shape[level].column_count };
    enum status st = STATUS_OK;

    w.column = calloc(w.column_count, sizeof *w.column);
    w.decoded = calloc(w.column_count, sizeof *w.decoded);
    if (w.column == NULL || w.decoded == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "columns of %s", table->name);
    for (size_t b = 0; b < c->block_count[level] && st == STATUS_OK; b++) {
        if (!block_in_window(e, &c->blocks[level][b]))
            continue;
        e->block_count++;
        st = export_damage(e, visit_block(&w, &c->blocks[level][b], err), err);
    }
    release_columns(&w);
    free(w.column);
    free(w.decoded);
    return st;
}
