/*
 * Folding samples into windows: the definitions of covered time, increase and rate that reports
 * use too. A sample stands for the interval since the series' previous present one.
 */
#include <stdlib.h>

#include "schema/rollup.h"

int64_t rollup_rate(int64_t increase, int64_t dt_ns)
{
    uint128 scaled = (uint128)increase * 1000000000u;

    if (increase <= 0 || dt_ns <= 0)
        return 0;
    if (increase <= INT64_MAX / 1000000000)
        return increase * 1000000000 / dt_ns; /* as good as always, and far quicker */
    scaled /= (uint64_t)dt_ns;
    return scaled > INT64_MAX ? INT64_MAX : (int64_t)scaled;
}

void rollup_fold_release(struct rollup_fold *fold)
{
    free(fold->cell);
    free(fold->value);
    free(fold->missing);
    free(fold->read_before);
    free(fold->span_read);
    *fold = (struct rollup_fold){ 0 };
}

/* The last tick before `tick` at which the metric was read, + 1; 0: none in the block. */
static uint32_t read_before(const struct rollup_fold *fold, unsigned metric, uint32_t tick)
{
    if (fold->read_always >> metric & 1)
        return tick;
    return fold->read_before[(size_t)metric * (fold->build->tick_count + 1) + tick];
}

static void find_reads(struct rollup_fold *fold)
{
    const struct build *build = fold->build;
    size_t row = (size_t)build->tick_count + 1;

    fold->read_always = UINT64_MAX;
    fold->gaps = false;
    for (uint32_t i = 0; i < build->tick_count; i++) {
        fold->read_always &= build->mask[i];
        fold->gaps |= fold->gap[i] != 0;
    }
    for (unsigned m = 0; m < build->shape->metric_count; m++) {
        if (fold->read_always >> m & 1)
            continue;
        fold->read_before[m * row] = 0;
        for (uint32_t i = 0; i < build->tick_count; i++)
            fold->read_before[m * row + i + 1] =
                (build->mask[i] >> m & 1) != 0 ? i + 1 : fold->read_before[m * row + i];
    }
    for (size_t w = 0; w < fold->span_count; w++) {
        fold->span_read[w] = 0;
        for (uint32_t i = fold->spans[w].first; i < fold->spans[w].end; i++)
            fold->span_read[w] |= build->mask[i];
    }
}

enum status rollup_fold_begin(struct rollup_fold *fold, const struct build *build,
                              const uint8_t *gap, const struct rollup_span *spans,
                              size_t span_count, const int64_t *covered_ns, struct error *err)
{
    size_t metrics = build->shape->metric_count;

    rollup_fold_release(fold);
    *fold = (struct rollup_fold){ .build = build,
                                  .gap = gap,
                                  .spans = spans,
                                  .span_count = span_count,
                                  .covered_ns = covered_ns };
    fold->cell = malloc((span_count * metrics + 1) * sizeof *fold->cell);
    fold->value = malloc((build->tick_count + 1) * sizeof *fold->value);
    fold->missing = malloc((size_t)build->tick_count + 1);
    fold->read_before =
        malloc(metrics * ((size_t)build->tick_count + 1) * sizeof *fold->read_before);
    fold->span_read = malloc((span_count + 1) * sizeof *fold->span_read);
    if (fold->cell == NULL || fold->value == NULL || fold->missing == NULL ||
        fold->read_before == NULL || fold->span_read == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rollup of %s", build->shape->name);
    find_reads(fold);
    return STATUS_OK;
}

/* One column of a series as dense samples. */
static void expand(struct rollup_fold *fold, const struct series_changes *changes, unsigned c,
                   uint32_t samples)
{
    const struct build *build = changes->build;
    const struct build_series *s = changes->series;
    const struct missing_pattern *pattern = &changes->missing[c];
    unsigned metric = build->shape->column[c].metric;
    uint64_t now = (uint64_t)changes->base[c];
    uint32_t at = 0;

    for (uint32_t i = 0; changes->delta[c] != NULL && i < changes->count; i++) {
        while (at < changes->sample[i])
            fold->value[at++] = (int64_t)now;
        now += (uint64_t)changes->delta[c][i];
    }
    while (at < samples)
        fold->value[at++] = (int64_t)now;
    memset(fold->missing, pattern->shape == MISSING_ALL ? pattern->reason : MISSING_NONE, samples);
    for (uint32_t i = 0; pattern->shape == MISSING_RUNS && i < pattern->run_count; i++) {
        const struct missing_run *run = &changes->run[pattern->run_at + i];

        memset(fold->missing + run->first, run->reason, run->count);
    }
    if (fold->read_always >> metric & 1)
        return;
    for (uint32_t k = 0; k < samples; k++) {
        bool edge = (k == 0 && (s->series.flags & SERIES_FIRST) != 0) ||
                    (k == samples - 1 && (s->series.flags & SERIES_ENDED) != 0);

        if (!edge && (build->mask[s->series.first + k] >> metric & 1) == 0)
            fold->missing[k] = MISSING_NOT_SAMPLED;
    }
}

/* Where the walk along one column stands. */
struct walk {
    bool known; /* there is a previous value */
    bool timed; /* and the time since which it stands */
    int64_t value, time_ns;
    bool gap; /* a gap since then */
};

/* The state before the first sample. */
static struct walk walk_start(const struct series_changes *changes, unsigned c)
{
    const struct build *build = changes->build;
    const struct series *s = &changes->series->series;
    unsigned metric = build->shape->column[c].metric;
    uint8_t missing = build->base_missing[changes->index * build->shape->metric_count + metric];
    struct walk walk = { .value = changes->base[c] };

    if ((s->flags & SERIES_FIRST) != 0) {
        int64_t before = s->first > 0 ? build->tick_ns[s->first - 1] : build->column_base_ns[0];

        walk.known = walk.timed = (s->flags & SERIES_BORN) != 0;
        walk.time_ns = s->start_ns > before ? s->start_ns : before;
        return walk;
    }
    walk.time_ns = missing == MISSING_NONE ? build->column_base_ns[metric]
                                           : known_before_ns(&build->known, changes->index, metric);
    if (walk.time_ns != INT64_MIN && missing == MISSING_NONE && (s->flags & SERIES_YOUNG) != 0 &&
        s->start_ns > walk.time_ns)
        walk.time_ns = s->start_ns;
    walk.known = walk.timed = walk.time_ns != INT64_MIN;
    walk.gap = walk.timed && walk.time_ns < build->last_gap_ns;
    return walk;
}

static int64_t interval(const struct walk *walk, const struct series *s, uint32_t k,
                        uint32_t samples, int64_t tick_ns)
{
    bool death = (s->flags & SERIES_ENDED) != 0 && k == samples - 1;
    bool birth = (s->flags & SERIES_BORN) != 0 && k == 0;
    int64_t end = death && s->end_ns < tick_ns ? s->end_ns : tick_ns;
    int64_t dt = wrap_subtract(end, walk->time_ns);

    return (death || birth) && dt < INTERVAL_MIN_NS ? INTERVAL_MIN_NS : dt;
}

static void add_sample(struct rollup_cell *cell, enum metric_kind kind, struct walk *walk,
                       int64_t value, int64_t dt, int64_t at_ns, int64_t *falls)
{
    int64_t increase = wrap_subtract(value, walk->value);

    if (!cell->present || value < cell->min)
        cell->min = value;
    if (!cell->present || value > cell->max)
        cell->max = value;
    cell->present = true;
    cell->last = value;
    if (!walk->timed || walk->gap)
        return;
    cell->covered_ns = wrap_add(cell->covered_ns, dt);
    if (kind == METRIC_GAUGE)
        cell->sum = (int128)((uint128)cell->sum + (uint128)((int128)value * dt));
    if (kind == METRIC_COUNTER && value < walk->value)
        (*falls)++;
    if (kind != METRIC_COUNTER || value <= walk->value)
        return;
    cell->increase = wrap_add(cell->increase, increase);
    if (rollup_rate(increase, dt) > cell->rate_max) {
        cell->rate_max = rollup_rate(increase, dt);
        cell->rate_max_at_ns = at_ns;
    }
}

/*
 * Samples that repeat the value before them, up to the one at `tick`: their intervals as one. Exact,
 * as the sums are of integers.
 */
static void add_repeated(struct rollup_cell *cell, enum metric_kind kind, struct walk *walk,
                         int64_t tick_ns)
{
    int64_t dt = wrap_subtract(tick_ns, walk->time_ns);

    if (!cell->present || walk->value < cell->min)
        cell->min = walk->value;
    if (!cell->present || walk->value > cell->max)
        cell->max = walk->value;
    cell->present = true;
    cell->last = walk->value;
    cell->covered_ns = wrap_add(cell->covered_ns, dt);
    if (kind == METRIC_GAUGE)
        cell->sum = (int128)((uint128)cell->sum + (uint128)((int128)walk->value * dt));
    walk->time_ns = tick_ns;
}

/* Walking one column from change to change. */
struct column_walk {
    struct rollup_fold *fold;
    const struct series_changes *changes;
    const struct series *series;
    const int64_t *delta; /* [count] */
    uint32_t change, count;
    uint32_t samples; /* of the series */
    unsigned metric;
    enum metric_kind kind;
    uint64_t value;
    struct walk walk;
};

/* The sample at one tick of a window, if it was read there. */
static void step(struct column_walk *c, struct rollup_cell *cell, uint32_t tick, size_t window,
                 bool edge)
{
    struct rollup_fold *fold = c->fold;
    int64_t tick_ns = fold->build->tick_ns[tick];
    int64_t dt = 0;

    if (!edge && read_before(fold, c->metric, tick + 1) != tick + 1)
        return;
    if (c->walk.timed)
        dt = interval(&c->walk, c->series, tick - c->series->first, c->samples, tick_ns);
    add_sample(cell, c->kind, &c->walk, (int64_t)c->value, dt,
               wrap_subtract(tick_ns, fold->spans[window].start_ns), &fold->falls[c->metric]);
    c->walk = (struct walk){
        .known = true, .timed = true, .value = (int64_t)c->value, .time_ns = tick_ns
    };
}

/* The samples from `tick` on that repeat the value, before `stop`; returns the tick after them. */
static uint32_t leap(struct column_walk *c, struct rollup_cell *cell, uint32_t tick, uint32_t stop)
{
    uint32_t next = c->series->first + c->samples, read;

    if ((c->series->flags & SERIES_ENDED) != 0)
        next--; /* its last interval ends early */
    if (c->change < c->count && c->series->first + c->changes->sample[c->change] < next)
        next = c->series->first + c->changes->sample[c->change];
    next = next < stop ? next : stop;
    read = read_before(c->fold, c->metric, next);
    if (read > tick)
        add_repeated(cell, c->kind, &c->walk, c->fold->build->tick_ns[read - 1]);
    return next;
}

/*
 * A column that is never missing before tick `end`, in a block without gaps: from change to change.
 */
static void fold_changes(struct rollup_fold *fold, const struct series_changes *changes, unsigned c,
                         uint32_t end)
{
    const struct build_shape *shape = fold->build->shape;
    const struct series *s = &changes->series->series;
    struct column_walk w = { .fold = fold,
                             .changes = changes,
                             .series = s,
                             .delta = changes->delta[c],
                             .count = changes->delta[c] == NULL ? 0 : changes->count,
                             .samples = changes->series->end_tick - s->first,
                             .metric = shape->column[c].metric,
                             .kind = (enum metric_kind)shape->column[c].kind,
                             .value = (uint64_t)changes->base[c],
                             .walk = walk_start(changes, c) };
    uint32_t tick = s->first;

    for (size_t i = 0; i < fold->span_count && tick < end; i++) {
        struct rollup_cell *cell = &fold->cell[i * shape->metric_count + w.metric];
        uint32_t stop = fold->spans[i].end < end ? fold->spans[i].end : end;

        while (tick < stop) {
            bool edge = (tick == s->first && (s->flags & SERIES_FIRST) != 0) ||
                        (tick - s->first == w.samples - 1 && (s->flags & SERIES_ENDED) != 0);
            bool changed;

            while (w.change < w.count && w.delta[w.change] == 0)
                w.change++;
            changed = w.change < w.count && tick == s->first + changes->sample[w.change];
            if (changed)
                w.value += (uint64_t)w.delta[w.change++];
            if (changed || edge || !w.walk.timed || w.walk.gap)
                step(&w, cell, tick++, i, edge);
            else
                tick = leap(&w, cell, tick, stop);
        }
    }
}

/* Whether only the last sample of a series is missing, as gauges are when a process has exited. */
static bool misses_last(const struct series_changes *changes, const struct missing_pattern *pattern)
{
    const struct missing_run *run = &changes->run[pattern->run_at];

    return (changes->series->series.flags & SERIES_ENDED) != 0 && pattern->run_count == 1 &&
           run->count == 1 && run->first == changes->samples - 1;
}

static void fold_but_last(struct rollup_fold *fold, const struct series_changes *changes,
                          unsigned c)
{
    unsigned metrics = fold->build->shape->metric_count;
    uint32_t last = changes->series->end_tick - 1;

    fold_changes(fold, changes, c, last);
    for (size_t w = 0; w < fold->span_count; w++) {
        struct rollup_cell *cell = &fold->cell[w * metrics + fold->build->shape->column[c].metric];

        if (last >= fold->spans[w].first && last < fold->spans[w].end && !cell->present)
            cell->reason = changes->run[changes->missing[c].run_at].reason;
    }
}

/* Any column, sample by sample. */
static void fold_samples(struct rollup_fold *fold, const struct series_changes *changes, unsigned c)
{
    const struct build *build = fold->build;
    const struct series *s = &changes->series->series;
    enum metric_kind kind = (enum metric_kind)build->shape->column[c].kind;
    uint32_t samples = changes->series->end_tick - s->first;
    unsigned metric = build->shape->column[c].metric;
    struct walk walk = walk_start(changes, c);
    size_t w = 0;

    expand(fold, changes, c, samples);
    for (uint32_t k = 0; k < samples; k++) {
        uint32_t tick = s->first + k;
        struct rollup_cell *cell;

        while (w < fold->span_count && tick >= fold->spans[w].end)
            w++;
        if (w == fold->span_count)
            return;
        cell = &fold->cell[w * build->shape->metric_count + metric];
        walk.gap |= fold->gap[tick] != 0;
        if (fold->missing[k] != MISSING_NONE) {
            if (!cell->present && fold->missing[k] != MISSING_NOT_SAMPLED)
                cell->reason = fold->missing[k];
            continue;
        }
        add_sample(cell, kind, &walk, fold->value[k],
                   walk.timed ? interval(&walk, s, k, samples, build->tick_ns[tick]) : 0,
                   wrap_subtract(build->tick_ns[tick], fold->spans[w].start_ns),
                   &fold->falls[metric]);
        walk = (struct walk){
            .known = true, .timed = true, .value = fold->value[k], .time_ns = build->tick_ns[tick]
        };
    }
}

/* Missing at all samples for one reason; those that were not read do not tell it. */
static void fold_missing(struct rollup_fold *fold, const struct series_changes *changes, unsigned c,
                         uint8_t reason)
{
    const struct series *s = &changes->series->series;
    unsigned metric = fold->build->shape->column[c].metric;
    uint32_t end = changes->series->end_tick;

    for (size_t w = 0; w < fold->span_count; w++) {
        const struct rollup_span *span = &fold->spans[w];
        uint32_t first = span->first > s->first ? span->first : s->first;
        uint32_t stop = span->end < end ? span->end : end;
        bool edge = (first == s->first && (s->flags & SERIES_FIRST) != 0) ||
                    (stop == end && (s->flags & SERIES_ENDED) != 0);

        if (first < stop && reason != MISSING_NOT_SAMPLED &&
            (edge || read_before(fold, metric, stop) > first))
            fold->cell[w * fold->build->shape->metric_count + metric].reason = reason;
    }
}

/* Nothing changed, nothing is missing, alive throughout: every window is the same. */
static bool fold_constant(struct rollup_fold *fold, const struct series_changes *changes,
                          unsigned c)
{
    const struct build *build = fold->build;
    const struct build_series *s = changes->series;
    unsigned metric = build->shape->column[c].metric;

    if (changes->delta[c] != NULL || changes->missing[c].shape != MISSING_NEVER ||
        fold->covered_ns == NULL || s->series.flags != 0 || s->series.first != 0 ||
        s->end_tick != build->tick_count ||
        build->base_missing[changes->index * build->shape->column_count + c] != MISSING_NONE)
        return false;
    for (size_t w = 0; w < fold->span_count; w++) {
        struct rollup_cell *cell = &fold->cell[w * build->shape->metric_count + metric];
        int64_t covered = fold->covered_ns[w * build->shape->metric_count + metric];

        if ((fold->span_read[w] >> metric & 1) == 0)
            continue; /* not sampled */
        cell->present = true;
        cell->last = cell->min = cell->max = changes->base[c];
        cell->covered_ns = covered;
        if (build->shape->column[c].kind == METRIC_GAUGE)
            cell->sum = (int128)cell->last * covered;
    }
    return true;
}

void rollup_fold_series(struct rollup_fold *fold, const struct series_changes *changes)
{
    const struct build_shape *shape = fold->build->shape;

    for (size_t i = 0; i < fold->span_count * shape->metric_count; i++)
        fold->cell[i] = (struct rollup_cell){ .reason = MISSING_NOT_SAMPLED };
    for (unsigned c = 0; c < shape->column_count; c++) {
        const struct missing_pattern *pattern = &changes->missing[c];

        if (pattern->shape == MISSING_ALL)
            fold_missing(fold, changes, c, pattern->reason);
        else if (fold_constant(fold, changes, c))
            continue;
        else if (pattern->shape == MISSING_NEVER && !fold->gaps)
            fold_changes(fold, changes, c, changes->series->end_tick);
        else if (!fold->gaps && misses_last(changes, pattern))
            fold_but_last(fold, changes, c);
        else
            fold_samples(fold, changes, c);
    }
}

bool rollup_fold_quiet(const struct rollup_fold *fold, const struct series_changes *changes)
{
    const struct build *build = fold->build;
    const struct build_series *s = changes->series;
    size_t columns = build->shape->column_count;

    if (changes->count > 0 || s->series.flags != 0 || s->series.first != 0 || !s->open ||
        s->end_tick != build->tick_count)
        return false;
    for (size_t c = 0; c < columns; c++)
        if (changes->missing[c].shape == MISSING_RUNS ||
            build->base_missing[changes->index * columns + c] != changes->missing[c].reason)
            return false;
    for (size_t w = 0; w < fold->span_count; w++)
        if ((~fold->span_read[w] & ((UINT64_C(1) << build->shape->metric_count) - 1)) != 0)
            return false;
    return true;
}

void rollup_covered(const struct build *build, const uint8_t *gap, const struct rollup_span *spans,
                    size_t span_count, int64_t covered_ns[])
{
    unsigned metrics = build->shape->metric_count;

    for (unsigned m = 0; m < metrics; m++) {
        int64_t before = build->column_base_ns[m];
        bool since_gap = before < build->last_gap_ns;

        for (size_t w = 0; w < span_count; w++) {
            int64_t *covered = &covered_ns[w * metrics + m];

            *covered = 0;
            for (uint32_t i = spans[w].first; i < spans[w].end; i++) {
                since_gap |= gap[i] != 0;
                if ((build->mask[i] >> m & 1) == 0)
                    continue;
                if (before != INT64_MIN && !since_gap)
                    *covered = wrap_add(*covered, wrap_subtract(build->tick_ns[i], before));
                before = build->tick_ns[i];
                since_gap = false;
            }
        }
    }
}
