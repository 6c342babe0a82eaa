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
    *fold = (struct rollup_fold){ 0 };
}

static bool reserve(struct rollup_fold *fold, size_t cells, size_t samples)
{
    if (cells > fold->cell_size) {
        struct rollup_cell *larger = realloc(fold->cell, cells * sizeof *larger);

        if (larger == NULL)
            return false;
        fold->cell = larger;
        fold->cell_size = cells;
    }
    if (samples > fold->sample_size) {
        int64_t *value = realloc(fold->value, samples * sizeof *value);
        uint8_t *missing;

        if (value == NULL)
            return false;
        fold->value = value;
        missing = realloc(fold->missing, samples);
        if (missing == NULL)
            return false;
        fold->missing = missing;
        fold->sample_size = samples;
    }
    return true;
}

/* One column of a series as dense samples. */
static void expand(struct rollup_fold *fold, const struct series_changes *changes, unsigned c,
                   uint32_t samples, uint64_t read_always)
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
    if (read_always >> metric & 1)
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
    size_t at = changes->index * build->shape->column_count + c;
    struct walk walk = { .value = changes->base[c] };

    if ((s->flags & SERIES_FIRST) != 0) {
        int64_t before = s->first > 0 ? build->tick_ns[s->first - 1] : build->column_base_ns[0];

        walk.known = walk.timed = (s->flags & SERIES_BORN) != 0;
        walk.time_ns = s->start_ns > before ? s->start_ns : before;
        return walk;
    }
    walk.time_ns = build->base_missing[at] == MISSING_NONE ? build->column_base_ns[metric]
                                                           : build->base_since_ns[at];
    if (walk.time_ns != INT64_MIN && build->base_missing[at] == MISSING_NONE &&
        (s->flags & SERIES_YOUNG) != 0 && s->start_ns > walk.time_ns)
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
                       int64_t value, int64_t dt, int64_t at_ns)
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
    if (kind != METRIC_COUNTER || value <= walk->value)
        return;
    cell->increase = wrap_add(cell->increase, increase);
    if (rollup_rate(increase, dt) > cell->rate_max) {
        cell->rate_max = rollup_rate(increase, dt);
        cell->rate_max_at_ns = at_ns;
    }
}

static uint32_t least(uint32_t a, uint32_t b, uint32_t c)
{
    a = a < b ? a : b;
    return a < c ? a : c;
}

/*
 * The samples between k and `end` repeat the one at k: their intervals as one. Returns the last.
 * Exact, as the sums are of integers.
 */
static uint32_t add_repeated(const struct series_changes *changes, enum metric_kind kind,
                             struct rollup_cell *cell, struct walk *walk, uint32_t k, uint32_t end)
{
    const int64_t *tick_ns = changes->build->tick_ns + changes->series->series.first;
    int64_t dt;

    if (end <= k + 1)
        return k;
    dt = wrap_subtract(tick_ns[end - 1], walk->time_ns);
    cell->covered_ns = wrap_add(cell->covered_ns, dt);
    if (kind == METRIC_GAUGE)
        cell->sum = (int128)((uint128)cell->sum + (uint128)((int128)walk->value * dt));
    walk->time_ns = tick_ns[end - 1];
    return end - 1;
}

/* The metrics read at each tick of the block; `gaps` is whether there are any. */
static uint64_t read_at_all(const struct build *build, const uint8_t *gap, bool *gaps)
{
    uint64_t all = UINT64_MAX;
    uint8_t any = 0;

    for (uint32_t i = 0; i < build->tick_count; i++) {
        all &= build->mask[i];
        any |= gap[i];
    }
    *gaps = any != 0;
    return all;
}

static void fold_column(struct rollup_fold *fold, const struct series_changes *changes, unsigned c,
                        const uint8_t *gap, const struct rollup_span *spans, size_t span_count,
                        uint64_t read_always, bool gaps)
{
    const struct build *build = changes->build;
    const struct series *s = &changes->series->series;
    enum metric_kind kind = (enum metric_kind)build->shape->column[c].kind;
    uint32_t samples = changes->series->end_tick - s->first;
    uint32_t alike = samples - ((s->flags & SERIES_ENDED) != 0); /* the last interval ends early */
    unsigned metric = build->shape->column[c].metric;
    bool steady =
        !gaps && (read_always >> metric & 1) != 0 && changes->missing[c].shape == MISSING_NEVER;
    uint32_t changed = changes->delta[c] == NULL ? changes->count : 0; /* place in sample[] */
    struct walk walk = walk_start(changes, c);
    size_t w = 0;

    expand(fold, changes, c, samples, read_always);
    for (uint32_t k = 0; k < samples; k++) {
        uint32_t tick = s->first + k;
        struct rollup_cell *cell;

        while (w < span_count && tick >= spans[w].end)
            w++;
        if (w == span_count)
            return;
        cell = &fold->cell[w * build->shape->metric_count + metric];
        walk.gap |= gap[tick] != 0;
        if (fold->missing[k] != MISSING_NONE) {
            if (!cell->present && fold->missing[k] != MISSING_NOT_SAMPLED)
                cell->reason = fold->missing[k];
            continue;
        }
        add_sample(cell, kind, &walk, fold->value[k],
                   walk.timed ? interval(&walk, s, k, samples, build->tick_ns[tick]) : 0,
                   wrap_subtract(build->tick_ns[tick], spans[w].start_ns));
        walk = (struct walk){
            .known = true, .timed = true, .value = fold->value[k], .time_ns = build->tick_ns[tick]
        };
        if (!steady)
            continue;
        while (changed < changes->count && changes->sample[changed] <= k)
            changed++;
        k = add_repeated(changes, kind, cell, &walk, k,
                         least(alike, spans[w].end - s->first,
                               changed < changes->count ? changes->sample[changed] : samples));
    }
}

static bool was_read(const struct build *build, const struct rollup_span *span, unsigned metric)
{
    for (uint32_t i = span->first; i < span->end; i++)
        if (build->mask[i] >> metric & 1)
            return true;
    return false;
}

/* Nothing changed, nothing is missing, alive throughout: every window is the same. */
static bool fold_constant(struct rollup_fold *fold, const struct series_changes *changes,
                          unsigned c, const struct rollup_span *spans, size_t span_count,
                          const int64_t *covered_ns)
{
    const struct build *build = changes->build;
    const struct build_series *s = changes->series;
    unsigned metric = build->shape->column[c].metric;
    const struct missing_pattern *pattern = &changes->missing[c];

    if (changes->delta[c] != NULL || pattern->shape == MISSING_RUNS || covered_ns == NULL ||
        s->series.flags != 0 || s->series.first != 0 || s->end_tick != build->tick_count ||
        build->base_missing[changes->index * build->shape->column_count + c] !=
            (pattern->shape == MISSING_ALL ? pattern->reason : MISSING_NONE))
        return false;
    for (size_t w = 0; w < span_count; w++) {
        struct rollup_cell *cell = &fold->cell[w * build->shape->metric_count + metric];
        int64_t covered = covered_ns[w * build->shape->metric_count + metric];

        if (!was_read(build, &spans[w], metric))
            continue; /* not sampled */
        cell->present = pattern->shape == MISSING_NEVER;
        cell->reason = pattern->reason;
        if (!cell->present)
            continue;
        cell->last = cell->min = cell->max = changes->base[c];
        cell->covered_ns = covered;
        if (build->shape->column[c].kind == METRIC_GAUGE)
            cell->sum = (int128)cell->last * covered;
    }
    return true;
}

enum status rollup_fold_series(struct rollup_fold *fold, const struct series_changes *changes,
                               const uint8_t *gap, const struct rollup_span *spans,
                               size_t span_count, const int64_t *covered_ns, struct error *err)
{
    const struct build_shape *shape = changes->build->shape;
    uint32_t samples = changes->series->end_tick - changes->series->series.first;
    bool gaps;
    uint64_t read_always = read_at_all(changes->build, gap, &gaps);

    if (!reserve(fold, span_count * shape->metric_count, samples))
        return error_set(err, STATUS_NO_MEMORY, "rollup of %s", shape->name);
    memset(fold->cell, 0, span_count * shape->metric_count * sizeof *fold->cell);
    for (size_t i = 0; i < span_count * shape->metric_count; i++)
        fold->cell[i].reason = MISSING_NOT_SAMPLED;
    for (unsigned c = 0; c < shape->column_count; c++)
        if (!fold_constant(fold, changes, c, spans, span_count, covered_ns))
            fold_column(fold, changes, c, gap, spans, span_count, read_always, gaps);
    return STATUS_OK;
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
