/* Processes: their time on GPUs or CPUs from reading to reading, and their memory on GPUs. */
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
    uint8_t *timed;                   /* [series] time is counted */
    size_t *last;                     /* [rails] use that was added last of the series; SIZE_MAX */
    int64_t complete_ns;              /* no reading to come reaches back further */
};

/* What a process did from one reading to the next. */
struct done {
    int64_t process_id, from_ns, to_ns;
    int64_t at_ns; /* the tick of the reading: to_ns, or later when it ended before */
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

/* Spread it over the intervals of a rail that it lies in; a process comes to them in order. */
static enum status spread_over(struct reader *r, size_t number, const struct done *done,
                               struct error *err)
{
    struct attribution *a = r->a;
    const struct rail *rail = &a->rails.rail[number];
    size_t *last = &r->last[number];
    size_t i = *last == SIZE_MAX ? first_after(a, number, done->from_ns) : a->use[*last].interval;

    while (i < rail->count && rail->interval[i].to_ns <= done->from_ns)
        i++;
    for (; i < rail->count && rail->interval[i].from_ns < done->to_ns; i++) {
        struct energy_use use = { .rail = (uint32_t)number,
                                  .interval = i,
                                  .process_id = done->process_id,
                                  .weight = energy_part(done->weight, done->from_ns, done->to_ns,
                                                        rail->interval[i].from_ns,
                                                        rail->interval[i].to_ns),
                                  .timed = done->timed,
                                  .block = r->block };

        if (*last != SIZE_MAX && a->use[*last].interval == i) {
            a->use[*last].weight += use.weight;
            continue;
        }
        if (add_use(a, use, err) != STATUS_OK)
            return err->status;
        *last = a->use_count - 1;
    }
    return STATUS_OK;
}

static enum status spread(struct reader *r, int64_t device, const struct done *done,
                          struct error *err)
{
    const struct rails *rails = &r->a->rails;
    enum status st = STATUS_OK;

    for (size_t i = 0; i < rails->count && st == STATUS_OK; i++)
        if (!r->a->source->by_device || rails->rail[i].entity_id == device)
            st = spread_over(r, i, done, err);
    return st;
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

    if (!a->want_time || !is_in(a, done->at_ns))
        return STATUS_OK;
    if (attribution_group(a, r->block, done->process_id, done->at_ns, &segment.group, err) !=
        STATUS_OK)
        return err->status;
    if (trace_wants(a->trace, a->groups, segment.group)) {
        struct trace_item item = { .what = TRACE_WORK,
                                   .process_id = done->process_id,
                                   .block = r->block,
                                   .from_ns = done->from_ns,
                                   .to_ns = done->to_ns,
                                   .count = 1,
                                   .dt_ns = done->to_ns - done->from_ns,
                                   .sum = done->weight };

        if (a->trace->take(a->trace, &item, err) != STATUS_OK)
            return err->status;
    }
    a->total[segment.group].gpu_ppmns += done->weight;
    return attribution_segment(a, segment, err);
}

/* --- series --- */

/* All of a run of counters that do not move, where no gap lies in it. */
static bool is_still(const struct rate_block *b, const struct rate_run *run, bool timed)
{
    const int64_t *tick_ns = b->directory.tick_ns;
    uint32_t last = run->tick + run->count - 1;

    return run->quiet && timed && run->dt_ns == tick_ns[last] - tick_ns[run->tick - 1];
}

/* A product that a hostile recording may make absurd: far beyond any device, far below what fits. */
static int128 weight_of(int64_t x, int64_t y, int64_t z)
{
    const int128 most = (int128)1 << 90;
    int128 weight;

    if (__builtin_mul_overflow((int128)x * y, (int128)z, &weight) || weight > most)
        return most;
    return weight < 0 ? 0 : weight;
}

/* From which time to which a sample tells. */
static struct done done_at(const struct reader *r, const struct series *s,
                           const struct rate_run *run, uint32_t tick, bool timed)
{
    const struct rate_block *b = &r->a->block;
    int64_t scale = b->table->metrics[timed ? r->time : r->utilization].scale;
    int64_t at_ns = b->directory.tick_ns[tick], to_ns = at_ns;
    int64_t dt_ns = run->quiet ? rate_tick_dt(b, tick) : run->dt_ns;

    if ((s->flags & SERIES_ENDED) != 0 && tick == s->first + s->count - 1 && s->end_ns < to_ns)
        to_ns = s->end_ns;
    return (struct done){ .process_id = s->key[r->a->source->process_key],
                          .from_ns = wrap_subtract(to_ns, dt_ns),
                          .to_ns = to_ns,
                          .at_ns = at_ns,
                          .weight = timed ? weight_of(run->increase, scale, PPM)
                                          : weight_of(run->value, scale, dt_ns),
                          .timed = timed ? 1 : 2 };
}

static enum status take_run(struct reader *r, size_t series, const struct rate_run *run, bool timed,
                            struct error *err)
{
    const struct rate_block *b = &r->a->block;
    const struct series *s = &b->directory.series[series];
    bool still = is_still(b, run, timed);

    if (still) {
        struct done all = done_at(r, s, run, run->tick + run->count - 1, timed);

        all.from_ns = b->directory.tick_ns[run->tick - 1];
        if (spread(r, s->key[0], &all, err) != STATUS_OK)
            return err->status;
    }
    for (uint32_t i = 0; i < run->count && (!still || r->a->want_time); i++) {
        struct done done = done_at(r, s, run, run->tick + i, timed);

        if (done.from_ns >= done.to_ns)
            continue;
        if (!still && spread(r, s->key[0], &done, err) != STATUS_OK)
            return err->status;
        if (count_time(r, &done, err) != STATUS_OK)
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

    for (size_t i = 0; i < r->a->rails.count; i++)
        r->last[i] = SIZE_MAX;
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
            if (attribution_group(r->a, r->block, d->series[i].key[r->a->source->process_key],
                                  d->tick_ns[tick], &held[(*count)++].group, err) != STATUS_OK)
                return err->status;
        }
    }
    return STATUS_OK;
}

static enum status tell_memory(struct reader *r, const struct held *sum, struct error *err)
{
    int64_t at_ns = r->a->block.directory.tick_ns[sum->tick];
    struct trace_item item = {
        .what = TRACE_MEMORY, .from_ns = NO_TIME, .to_ns = at_ns, .count = 1, .value = sum->bytes
    };

    return r->a->trace->take(r->a->trace, &item, err);
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
        if (trace_wants(r->a->trace, r->a->groups, sum.group))
            st = tell_memory(r, &sum, err);
        if (!total->remembers || sum.bytes > total->memory_max)
            total->memory_max = sum.bytes;
        total->remembers = true;
    }
    free(held);
    return st;
}

/* --- blocks --- */

static size_t position_of(const struct recording_table *table, const char *name)
{
    return name == NULL ? SIZE_MAX : recording_metric(table, name);
}

static enum status read_open(struct reader *r, struct error *err)
{
    const struct block_table *d = &r->a->block.directory;
    const struct recording_table *table = r->a->block.table;
    enum status st;

    r->time = position_of(table, r->a->source->time);
    r->utilization = position_of(table, r->a->source->utilization);
    r->memory = position_of(table, r->a->source->memory);
    r->complete_ns = d->tick_ns[d->tick_count - 1];
    r->timed = calloc(d->series_count + 1, 1);
    r->last = calloc(r->a->rails.count + 1, sizeof *r->last);
    if (r->timed == NULL || r->last == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "time of processes");
    else
        st = r->a->want_energy || r->a->want_time ? read_times(r, err) : STATUS_OK;
    if (st == STATUS_OK)
        st = read_memory(r, err);
    free(r->timed);
    free(r->last);
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
    if (a->hold_ns < wrap_subtract(block->end_ns, HOLD_NS))
        a->hold_ns = wrap_subtract(block->end_ns, HOLD_NS);
    return STATUS_OK;
}
