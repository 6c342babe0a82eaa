/* Walking the blocks of a window. */
#include "analyzer/export_walk.h"

#include <stdlib.h>

#include "analyzer/progress.h"

enum {
    CHOSEN_MAX = 1 << 22, /* processes that are remembered, and as many free places */
    HOLD_BLOCKS = 16,     /* read in one transaction, unless output is written */
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

size_t export_block_count(const struct export *e, unsigned level)
{
    const struct recording_contents *c = e->subject->contents;
    size_t count = 0;

    for (size_t b = 0; b < c->block_count[level]; b++)
        count += block_in_window(e, &c->blocks[level][b]);
    return count;
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

/* --- which series --- */

static bool is_chosen(const struct export *e, const struct process *process)
{
    bool chosen = process->version_count == 0 &&
                  select_match(e->select, e->subject->recording, process, NULL);

    for (size_t v = 0; v < process->version_count && !chosen; v++)
        chosen = select_match(e->select, e->subject->recording, process, &process->versions[v]);
    return chosen;
}

/* Where the hash has that process, or has room for it. */
static int64_t *remembered(const struct export_chosen *chosen, int64_t process_id)
{
    size_t at = (size_t)((uint64_t)process_id * UINT64_C(0x9e3779b97f4a7c15) >> 32);

    for (;; at++) {
        int64_t *place = &chosen->place[at & (chosen->size - 1)];

        if (*place == 0 || *place >> 1 == process_id)
            return place;
    }
}

/* Make the hash larger, half of it free. False: memory is out, or there are too many. */
static bool make_room(struct export_chosen *chosen)
{
    struct export_chosen larger = { .size = chosen->size == 0 ? 1024 : chosen->size * 2 };

    if (chosen->count * 2 < chosen->size)
        return true;
    if (larger.size > CHOSEN_MAX)
        return false;
    larger.place = calloc(larger.size, sizeof *larger.place);
    if (larger.place == NULL)
        return false;
    for (size_t i = 0; i < chosen->size; i++)
        if (chosen->place[i] != 0)
            *remembered(&larger, chosen->place[i] >> 1) = chosen->place[i];
    free(chosen->place);
    chosen->place = larger.place;
    chosen->size = larger.size;
    return true;
}

/* Whether a series' process is asked for: found out once for those that are in more than one block. */
static enum status choose(struct export *e, const struct export_slice *slice, size_t series,
                          int64_t process_id, bool *chosen, struct error *err)
{
    const uint8_t whole = SERIES_BORN | SERIES_ENDED;
    bool once = (slice->table->series[series].flags & whole) == whole;
    bool room = !once && process_id > 0 && process_id < INT64_MAX / 4 && make_room(&e->chosen);
    int64_t *place = room ? remembered(&e->chosen, process_id) : NULL;
    const struct process *process;
    enum status st;

    if (place != NULL && *place != 0) {
        *chosen = (*place & 1) != 0;
        return STATUS_OK;
    }
    st = recording_process(e->subject->recording, slice->block, process_id, &process, err);
    if (st != STATUS_OK && st != STATUS_CORRUPT)
        return st;
    /* Of one that is not stored, who looks closer tells. */
    *chosen = st == STATUS_CORRUPT || is_chosen(e, process);
    if (place != NULL && st == STATUS_OK) {
        *place = process_id << 1 | *chosen;
        e->chosen.count++;
    }
    return STATUS_OK;
}

static enum status narrow_to(struct export_slice *slice, int64_t key)
{
    size_t first = slice->first_series, end = slice->end_series;

    while (first < end && slice->table->series[first].key[0] != key)
        first++;
    while (end > first && slice->table->series[end - 1].key[0] != key)
        end--;
    slice->first_series = first;
    slice->end_series = end;
    return STATUS_OK;
}

enum status export_narrow(struct export *e, const struct recording_table *table,
                          struct export_slice *slice, struct error *err)
{
    int key = table->key[0] == ENTITY_PROCESS ? 0 : 1;
    size_t first = slice->end_series, end = slice->first_series;

    if (e->only != 0)
        return narrow_to(slice, e->only);
    if (select_all(e->select) || table->key[key] != ENTITY_PROCESS)
        return STATUS_OK;
    for (size_t i = slice->first_series; i < slice->end_series; i++) {
        bool chosen;

        if (choose(e, slice, i, slice->table->series[i].key[key], &chosen, err) != STATUS_OK)
            return err->status;
        if (!chosen)
            continue;
        first = first < i ? first : i;
        end = i + 1;
    }
    slice->first_series = first < end ? first : end;
    slice->end_series = end;
    return STATUS_OK;
}

/* --- blocks --- */

static enum status open_slice(struct export *e, const struct recording_table *table,
                              struct export_block *b, struct error *err)
{
    struct export_slice *slice = &b->slice;
    enum status st;

    slice->first_series = b->directory.known.first;
    slice->end_series = b->directory.known.end;
    find_ticks(e, slice);
    if (slice->first_tick == slice->end_tick)
        return STATUS_ABSENT;
    st = export_narrow(e, table, slice, err);
    if (st != STATUS_OK)
        return st;
    if (slice->first_series == slice->end_series)
        return STATUS_ABSENT;
    return recording_activity(e->subject->recording, &b->directory,
                              (struct series_range){ slice->first_series, slice->end_series }, err);
}

enum status export_block_open(struct export *e, const struct recording_table *table,
                              const struct recording_block *block, struct export_block *b,
                              struct error *err)
{
    struct recording *recording = e->subject->recording;
    enum status st;

    *b = (struct export_block){ .slice = { .block = block } };
    b->slice.table = &b->directory;
    if (!block_in_window(e, block))
        return STATUS_ABSENT;
    st = recording_tick_times(recording, block, &b->ticks, err);
    if (st == STATUS_OK && e->only != 0)
        st =
            recording_directory_of(recording, block, table, &b->ticks, e->only, &b->directory, err);
    else if (st == STATUS_OK)
        st = recording_directory_open(recording, block, table, &b->ticks, &b->directory, err);
    return st == STATUS_OK ? open_slice(e, table, b, err) : st;
}

void export_block_close(struct export_block *b)
{
    block_table_release(&b->directory);
    block_ticks_release(&b->ticks);
}

static enum status visit_block(struct export *e, const struct recording_table *table,
                               const struct recording_block *block, export_visit *visit,
                               void *context, struct error *err)
{
    struct export_block b;
    enum status st = export_block_open(e, table, block, &b, err);

    if (st == STATUS_OK)
        st = visit(context, &b.slice, err);
    export_block_close(&b);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status export_walk(struct export *e, const struct recording_table *table, unsigned level,
                        export_visit *visit, void *context, struct error *err)
{
    const struct recording_contents *c = e->subject->contents;
    size_t all = export_block_count(e, level);
    enum status st = STATUS_OK;

    for (size_t b = 0; b < c->block_count[level] && st == STATUS_OK; b++) {
        const struct recording_block *block = &c->blocks[level][b];

        if (!block_in_window(e, block))
            continue;
        if (e->block_count % HOLD_BLOCKS == 0)
            recording_let_go(e->subject->recording);
        progress_show(e->block_count++, all);
        st = recording_hold(e->subject->recording, err);
        if (st == STATUS_OK)
            st = export_damage(e, visit_block(e, table, block, visit, context, err), err);
        recording_forget_lives(e->subject->recording, block); /* or all add up in memory */
    }
    recording_let_go(e->subject->recording);
    free(e->chosen.place);
    e->chosen = (struct export_chosen){ 0 };
    return st;
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

enum status export_decode(struct export_dense *dense, struct export *e,
                          const struct export_slice *slice, struct error *err)
{
    const struct block_table *table = slice->table;
    const struct series_range which = { slice->first_series, slice->end_series };

    if (prepare(dense, table->shape->column_count, err) != STATUS_OK)
        return err->status;
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
            bytes += (table->row[whole->end_series] - table->row[whole->first_series]) *
                     (sizeof(int64_t) + 1);
    step = export_step(e, table, bytes);
    slice.column = dense->column;
    slice.decoded = dense->decoded;
    for (size_t s = whole->first_series, next; s < whole->end_series && st == STATUS_OK; s = next) {
        slice.first_series = s;
        slice.end_series = next = export_step_end(s, step, whole->end_series);
        st = export_narrow(e, of, &slice, err);
        if (st != STATUS_OK || slice.first_series == slice.end_series)
            continue;
        st = export_decode(dense, e, &slice, err);
        recording_let_go(e->subject->recording);
        if (st == STATUS_OK)
            st = visit(context, &slice, err);
        if (step != table->series_count)
            release_columns(dense); /* or it all would add up to the whole block after all */
    }
    return st;
}
