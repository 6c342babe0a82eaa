/* Processes on GPUs: their GPU time from reading to reading, and their memory. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/attribution_private.h"
#include "analyzer/energy.h"

#define PPM INT64_C(1000000)
/* A process that cannot be read for longer does not hold up the others. */
#define HOLD_NS (INT64_C(7200) * 1000000000)

/* One block of the table. */
struct reader {
    struct attribution *a;
    const struct recording_block *block;
    size_t time, utilization, memory; /* positions; SIZE_MAX: none */
    uint8_t *timed;                   /* [series] GPU time is counted */
    int64_t complete_ns;              /* no reading to come reaches back further */
};

/* What a process did from one reading to the next. */
struct done {
    int64_t process_id, from_ns, to_ns;
    int128 weight;
    unsigned timed; /* as in struct energy_use */
};

/* --- intervals of the rail --- */

static enum status add_use(struct attribution *a, struct energy_use use, struct error *err)
{
    if (a->use_count == a->use_size) {
        size_t more = a->use_size == 0 ? 1024 : a->use_size * 2;
        struct energy_use *larger = realloc(a->use, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "GPU time of processes");
        a->use = larger;
        a->use_size = more;
    }
    a->use[a->use_count++] = use;
    return STATUS_OK;
}

/* The first interval that is not shared out yet and ends after a time. */
static size_t first_after(const struct attribution *a, size_t number, int64_t ns)
{
    const struct rail *rail = &a->rails.rail[number];
    size_t low = a->resolved[number], high = rail->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rail->interval[middle].to_ns > ns)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Spread it over the intervals it lies in. */
static enum status spread(struct reader *r, int64_t gpu, const struct done *done, struct error *err)
{
    struct attribution *a = r->a;
    const struct rail *rail = rails_find(&a->rails, gpu);
    size_t number = rail == NULL ? 0 : (size_t)(rail - a->rails.rail);

    if (rail == NULL)
        return STATUS_OK;
    for (size_t i = first_after(a, number, done->from_ns);
         i < rail->count && rail->interval[i].from_ns < done->to_ns; i++) {
        struct energy_use use = { .rail = (uint32_t)number,
                                  .interval = i,
                                  .process_id = done->process_id,
                                  .weight = energy_part(done->weight, done->from_ns, done->to_ns,
                                                        rail->interval[i].from_ns,
                                                        rail->interval[i].to_ns),
                                  .timed = done->timed,
                                  .block = r->block };

        if (add_use(a, use, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* --- the window --- */

static bool is_in(const struct attribution *a, int64_t at_ns)
{
    return at_ns > a->window.from_ns && at_ns <= a->window.to_ns;
}

static enum status count_time(struct reader *r, const struct done *done, struct error *err)
{
    struct attribution *a = r->a;
    struct energy_segment segment = { 0, SEGMENT_TIME, done->from_ns, done->to_ns, 0 };

    if (!a->want_time || !is_in(a, done->to_ns))
        return STATUS_OK;
    if (attribution_group(a, r->block, done->process_id, done->to_ns, &segment.group, err) !=
        STATUS_OK)
        return err->status;
    a->total[segment.group].gpu_ppmns += done->weight;
    return attribution_segment(a, segment, err);
}

/* --- series --- */

static enum status take_run(struct reader *r, size_t series, const struct rate_run *run, bool timed,
                            struct error *err)
{
    const struct rate_block *b = &r->a->block;
    const struct series *s = &b->directory.series[series];
    int64_t scale = b->table->metrics[timed ? r->time : r->utilization].scale;

    for (uint32_t i = 0; i < run->count; i++) {
        int64_t at_ns = b->directory.tick_ns[run->tick + i];
        int64_t dt_ns = run->quiet ? rate_tick_dt(b, run->tick + i) : run->dt_ns;
        struct done done = { .process_id = s->key[1],
                             .from_ns = wrap_subtract(at_ns, dt_ns),
                             .to_ns = at_ns,
                             .weight = timed ? (int128)run->increase * scale * PPM
                                             : (int128)run->value * scale * dt_ns,
                             .timed = timed ? 1 : 2 };

        if (dt_ns <= 0 || done.from_ns >= at_ns || done.weight < 0)
            continue;
        if (spread(r, s->key[0], &done, err) != STATUS_OK || count_time(r, &done, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status walk_series(struct reader *r, size_t series, bool timed, struct error *err)
{
    const struct rate_block *b = &r->a->block;
    const struct series *s = &b->directory.series[series];
    struct rate_walk walk;
    struct rate_run run;

    rate_begin(&walk, b, series, b->first, b->end);
    while (rate_next(&walk, &run))
        if (take_run(r, series, &run, timed, err) != STATUS_OK)
            return err->status;
    if (s->first + s->count == b->directory.tick_count && walk.known && !walk.gap &&
        walk.before_ns < r->complete_ns)
        r->complete_ns = walk.before_ns;
    return STATUS_OK;
}

/* Does the driver count its time? One that fails to is not asked for its utilization instead. */
static bool counts_time(const struct rate_block *b, size_t series)
{
    size_t row = b->directory.row[series];

    return b->column.missing == NULL || b->column.missing[row] != MISSING_UNSUPPORTED;
}

static enum status read_times(struct reader *r, struct error *err)
{
    struct rate_block *b = &r->a->block;

    if (r->time != SIZE_MAX) {
        if (rate_block_column(b, r->time, err) != STATUS_OK)
            return err->status;
        for (size_t i = 0; i < b->directory.series_count; i++) {
            r->timed[i] = counts_time(b, i);
            if (r->timed[i] && walk_series(r, i, true, err) != STATUS_OK)
                return err->status;
        }
    }
    if (r->utilization == SIZE_MAX)
        return STATUS_OK;
    if (rate_block_column(b, r->utilization, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < b->directory.series_count; i++)
        if (!r->timed[i] && walk_series(r, i, false, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* --- memory --- */

struct held {
    uint32_t group, tick;
    int64_t bytes;
};

static int by_tick(const void *a, const void *b)
{
    const struct held *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->tick < y->tick ? -1 : x->tick > y->tick;
}

static enum status find_held(struct reader *r, struct held *held, size_t *count, struct error *err)
{
    const struct block_table *d = &r->a->block.directory;
    const struct block_column *column = &r->a->block.column;

    for (size_t i = 0; i < d->series_count; i++) {
        for (uint32_t k = 0; k < d->series[i].count; k++) {
            uint32_t tick = d->series[i].first + k;
            size_t row = d->row[i] + k;

            if (!is_in(r->a, d->tick_ns[tick]) ||
                (column->missing != NULL && column->missing[row] != MISSING_NONE))
                continue;
            held[*count] = (struct held){ .tick = tick, .bytes = column->value[row] };
            if (attribution_group(r->a, r->block, d->series[i].key[1], d->tick_ns[tick],
                                  &held[(*count)++].group, err) != STATUS_OK)
                return err->status;
        }
    }
    return STATUS_OK;
}

/* Of a group at a tick: of all its processes on all GPUs. */
static enum status read_memory(struct reader *r, struct error *err)
{
    struct rate_block *b = &r->a->block;
    size_t count = 0;
    struct held *held;
    enum status st;

    if (!r->a->want_memory || r->memory == SIZE_MAX)
        return STATUS_OK;
    if (rate_block_column(b, r->memory, err) != STATUS_OK)
        return err->status;
    held = malloc((b->directory.row[b->directory.series_count] + 1) * sizeof *held);
    if (held == NULL)
        return error_set(err, STATUS_NO_MEMORY, "memory of GPUs");
    st = find_held(r, held, &count, err);
    if (count > 1)
        qsort(held, count, sizeof *held, by_tick);
    for (size_t i = 0; i < count && st == STATUS_OK;) {
        struct energy_total *total = &r->a->total[held[i].group];
        struct held sum = held[i++];

        for (; i < count && by_tick(&held[i], &sum) == 0; i++)
            sum.bytes = wrap_add(sum.bytes, held[i].bytes);
        if (!total->remembers || sum.bytes > total->memory_max)
            total->memory_max = sum.bytes;
        total->remembers = true;
    }
    free(held);
    return st;
}

/* --- blocks --- */

static enum status read_open(struct reader *r, struct error *err)
{
    const struct block_table *d = &r->a->block.directory;
    const struct recording_table *table = r->a->block.table;
    enum status st;

    r->time = recording_metric(table, "gpu_ns_total");
    r->utilization = recording_metric(table, "utilization_ppm");
    r->memory = recording_metric(table, "memory_bytes");
    r->complete_ns = d->tick_ns[d->tick_count - 1];
    r->timed = calloc(d->series_count + 1, 1);
    if (r->timed == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes on GPUs");
    st = r->a->want_energy || r->a->want_time ? read_times(r, err) : STATUS_OK;
    if (st == STATUS_OK)
        st = read_memory(r, err);
    free(r->timed);
    return st;
}

enum status attribution_read_uses(struct attribution *a, const struct recording_block *block,
                                  struct error *err)
{
    static const struct window all = { INT64_MIN, INT64_MAX };
    struct reader r = { .a = a, .block = block };
    struct block_ticks ticks;
    enum status st;

    if (a->block.table == NULL)
        return STATUS_OK;
    st = recording_ticks(a->recording, block, &ticks, err);
    if (st != STATUS_OK)
        return st;
    st = rate_block_open(&a->block, block, &ticks, &all, err);
    block_ticks_release(&ticks);
    if (st == STATUS_OK)
        st = read_open(&r, err);
    if (st == STATUS_OK && r.complete_ns > a->hold_ns)
        a->hold_ns = r.complete_ns;
    if (st != STATUS_OK && st != STATUS_ABSENT)
        return st;
    if (a->hold_ns < block->end_ns - HOLD_NS)
        a->hold_ns = block->end_ns - HOLD_NS;
    return STATUS_OK;
}
