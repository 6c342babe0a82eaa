/*
 * One metric of one block into rows: runs are cut where a bucket ends. A row with several members
 * is summed per tick first; the definitions are those of analyzer/aggregate.c.
 */
#include <string.h>

#include "analyzer/timeline.h"

/* A metric being added, and the row that was used last. */
struct adding {
    struct timeline *t;
    size_t number; /* in t->metric */
    enum metric_kind kind;
    struct timeline_key key;
    bool known; /* row is that of key */
    size_t row;
};

/* The cell of the bucket that a tick lies in. */
static enum status cell_at(struct adding *a, uint32_t tick, struct timeline_cell **cell,
                           struct error *err)
{
    struct timeline *t = a->t;
    struct timeline_rows *rows = &t->rows;
    int64_t at_ns = t->block.directory.tick_ns[tick];

    if (!a->known || a->key.bucket != t->bucket_of[tick]) {
        enum status st;

        a->key.bucket = t->bucket_of[tick];
        st = timeline_row(rows, &a->key, &a->row, err);
        if (st != STATUS_OK)
            return st;
        a->known = true;
    }
    if (at_ns > rows->row[a->row].last_ns) {
        rows->row[a->row].last_ns = at_ns;
        rows->row[a->row].block = t->block.block;
    }
    *cell = &rows->cell[a->row * rows->metric_count + a->number];
    return STATUS_OK;
}

/* The part of a run from tick `first` on that lies in one bucket. */
static struct rate_run cut_run(const struct timeline *t, const struct rate_run *run, uint32_t first)
{
    const struct rate_block *b = &t->block;
    struct rate_run part = *run;
    uint32_t end = first + 1;

    if (!run->quiet)
        return part;
    while (end < run->tick + run->count && t->bucket_of[end] == t->bucket_of[first])
        end++;
    part.tick = first;
    part.count = end - first;
    part.dt_ns = b->steady_ns[end - 1] - b->steady_ns[first - 1];
    return part;
}

static void add_range(struct timeline_cell *cell, int64_t value)
{
    if (!cell->ranged || value < cell->min)
        cell->min = value;
    if (!cell->ranged || value > cell->max)
        cell->max = value;
    cell->ranged = true;
}

static void add_level(struct timeline_cell *cell, int64_t value, int64_t dt_ns)
{
    add_range(cell, value);
    cell->present = true;
    cell->timed |= dt_ns > 0;
    cell->last = value;
    cell->sum += (int128)value * dt_ns;
    cell->weight_ns += dt_ns;
}

static void add_increase(struct timeline *t, struct timeline_cell *cell, const struct rate_run *run)
{
    cell->present = true;
    cell->timed |= run->dt_ns > 0;
    t->resets += run->reset && !run->gap;
    if (run->gap)
        cell->in_gaps = wrap_add(cell->in_gaps, run->increase);
    else
        cell->increase = wrap_add(cell->increase, run->increase);
}

static void add_rate(struct timeline_cell *cell, int64_t increase, int64_t dt_ns)
{
    if (dt_ns > 0)
        add_range(cell, rollup_rate(increase, dt_ns));
}

/* --- a row of one series --- */

static enum status add_alone(struct adding *a, const struct timeline_piece *piece,
                             struct error *err)
{
    struct timeline_cell *cell;
    struct rate_walk walk;
    struct rate_run run, part;
    enum status st;

    rate_begin(&walk, &a->t->block, piece->series, piece->first, piece->end);
    while (rate_next(&walk, &run))
        for (uint32_t tick = run.tick; tick < run.tick + run.count; tick += part.count) {
            part = cut_run(a->t, &run, tick);
            st = cell_at(a, tick + part.count - 1, &cell, err);
            if (st != STATUS_OK)
                return st;
            cell->covered_ns = wrap_add(cell->covered_ns, part.dt_ns);
            if (a->kind == METRIC_COUNTER) {
                add_increase(a->t, cell, &part);
                add_rate(cell, part.increase, part.dt_ns);
            } else {
                add_level(cell, part.value, part.dt_ns);
            }
        }
    return STATUS_OK;
}

/* --- a row of several --- */

static enum status sum_ticks(struct adding *a, const struct timeline_piece *piece,
                             struct error *err)
{
    bool counter = a->kind == METRIC_COUNTER;
    struct timeline_cell *cell;
    struct rate_walk walk;
    struct rate_run run;

    rate_begin(&walk, &a->t->block, piece->series, piece->first, piece->end);
    while (rate_next(&walk, &run)) {
        struct timeline_tick *tick = &a->t->tick[run.tick];

        if (run.quiet) {
            tick[0].quiet_more++;
            tick[run.count].quiet_more--;
            tick[0].quiet_step += counter ? 0 : run.value;
            tick[run.count].quiet_step -= counter ? 0 : run.value;
            continue;
        }
        if (counter) {
            enum status st = cell_at(a, run.tick, &cell, err);

            if (st != STATUS_OK)
                return st;
            add_increase(a->t, cell, &run);
        }
        tick->present = true;
        tick->dt_ns = run.dt_ns > tick->dt_ns ? run.dt_ns : tick->dt_ns;
        tick->value += !counter ? run.value : run.dt_ns > 0 ? run.increase : 0;
    }
    return STATUS_OK;
}

/* The time since the table's tick before; 0 across a gap and at a session's first tick. */
static int64_t tick_interval(const struct adding *a, uint32_t tick)
{
    const struct block_table *d = &a->t->block.directory;
    int64_t before_ns = d->column_previous_ns[a->t->metric[a->number]];

    if (tick > 0)
        return rate_tick_dt(&a->t->block, tick);
    return before_ns == INT64_MIN || d->gap[0] ? 0 : d->tick_ns[0] - before_ns;
}

/* No moment counts twice, also not in two buckets. */
static void cover(struct adding *a, struct timeline_cell *cell, int64_t dt_ns, int64_t at_ns)
{
    int64_t *until_ns = &a->t->until_ns[(size_t)a->key.id[0] * a->t->metric_count + a->number];

    if (dt_ns <= 0)
        return;
    if (*until_ns != NO_TIME && dt_ns > wrap_subtract(at_ns, *until_ns))
        dt_ns = wrap_subtract(at_ns, *until_ns);
    if (dt_ns > 0) /* a session's timeline may begin before the last one's ended */
        cell->covered_ns = wrap_add(cell->covered_ns, dt_ns);
    cell->timed = true;
    *until_ns = at_ns > *until_ns ? at_ns : *until_ns;
}

static enum status add_together(struct adding *a, const struct timeline_piece piece[], size_t count,
                                struct error *err)
{
    struct timeline *t = a->t;
    bool counter = a->kind == METRIC_COUNTER;
    int64_t quiet_value = 0;
    int32_t quiet = 0;

    memset(t->tick, 0, (t->block.directory.tick_count + 1) * sizeof *t->tick);
    for (size_t i = 0; i < count; i++)
        if (sum_ticks(a, &piece[i], err) != STATUS_OK)
            return err->status;
    for (uint32_t i = t->block.first; i < t->block.end; i++) {
        const struct timeline_tick *tick = &t->tick[i];
        int64_t dt_ns = tick->dt_ns;
        struct timeline_cell *cell;
        enum status st;

        quiet += tick->quiet_more;
        quiet_value += tick->quiet_step;
        if (!tick->present && quiet == 0)
            continue;
        /* Short lives within a tick must not pass for full speed. */
        if ((quiet > 0 || (counter && dt_ns > 0)) && tick_interval(a, i) > dt_ns)
            dt_ns = tick_interval(a, i);
        st = cell_at(a, i, &cell, err);
        if (st != STATUS_OK)
            return st;
        cover(a, cell, dt_ns, t->block.directory.tick_ns[i]);
        cell->present = true;
        if (counter)
            add_rate(cell, tick->value, dt_ns);
        else
            add_level(cell, tick->value + quiet_value, dt_ns);
    }
    return STATUS_OK;
}

enum status timeline_add(struct timeline *t, size_t number, struct error *err)
{
    enum status st = STATUS_OK;

    for (size_t i = 0, end; i < t->piece_count && st == STATUS_OK; i = end) {
        const struct timeline_piece *piece = &t->piece[i];
        struct adding a = { .t = t,
                            .number = number,
                            .kind = t->table->metrics[t->metric[number]].kind,
                            .key = { .id = { piece->id[0], piece->id[1] } } };

        for (end = i + 1; end < t->piece_count && t->by != TIMELINE_SERIES; end++)
            if (t->piece[end].id[0] != piece->id[0])
                break;
        st = t->by == TIMELINE_SERIES ? add_alone(&a, piece, err)
                                      : add_together(&a, piece, end - i, err);
    }
    return st;
}
