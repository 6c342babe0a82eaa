/* Tables at 60 s and 3600 s: rows of cells into a build, and minutes folded into hours. */
#include "schema/rollup.h"

#include <stdlib.h>

enum { MS_NS = 1000000 };

enum status rollup_init(struct rollup *rollup, enum table_id table, unsigned level,
                        struct error *err)
{
    *rollup = (struct rollup){ .hash_size = 1024 };
    build_shape_of_table(&rollup->shape, table, level);
    rollup->hash = calloc(rollup->hash_size, sizeof *rollup->hash);
    rollup->row = calloc(rollup->shape.column_count, sizeof *rollup->row);
    rollup->row_missing = calloc(rollup->shape.column_count, 1);
    if (rollup->hash == NULL || rollup->row == NULL || rollup->row_missing == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rollup of %s", rollup->shape.name);
    return build_init(&rollup->build, &rollup->shape, err);
}

void rollup_release(struct rollup *rollup)
{
    free(rollup->hash);
    free(rollup->row);
    free(rollup->row_missing);
    if (rollup->build.shape != NULL)
        build_release(&rollup->build);
    *rollup = (struct rollup){ 0 };
}

static size_t hash_of(const int64_t key[2], size_t size)
{
    uint64_t h = (uint64_t)key[0] * 0x9e3779b97f4a7c15u ^ (uint64_t)key[1] * 0xc2b2ae3d27d4eb4fu;

    return (size_t)(h >> 32 ^ h) & (size - 1);
}

/* The slot of a key: holds series index + 1, or 0 where it would go. */
static uint32_t *find(const struct rollup *rollup, const int64_t key[2])
{
    size_t at = hash_of(key, rollup->hash_size);

    for (;; at = (at + 1) & (rollup->hash_size - 1)) {
        const struct series *s;

        if (rollup->hash[at] == 0)
            return &rollup->hash[at];
        s = &rollup->build.series[rollup->hash[at] - 1].series;
        if (s->key[0] == key[0] && s->key[1] == key[1])
            return &rollup->hash[at];
    }
}

static enum status rehash(struct rollup *rollup, size_t size, struct error *err)
{
    uint32_t *larger;

    while (size < rollup->build.series_count * 2) /* of a block that was read back */
        size *= 2;
    larger = calloc(size, sizeof *larger);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rollup of %s", rollup->shape.name);
    free(rollup->hash);
    rollup->hash = larger;
    rollup->hash_size = size;
    for (size_t i = 0; i < rollup->build.series_count; i++)
        *find(rollup, rollup->build.series[i].series.key) = (uint32_t)i + 1;
    return STATUS_OK;
}

enum status rollup_restart(struct rollup *rollup, struct error *err)
{
    /* What vanished at a block's first tick had no sample there to tell it by. */
    for (uint32_t i = 0; i < rollup->build.series_count; i++)
        if (rollup->build.series[i].end_tick != rollup->build.tick_count)
            build_close(&rollup->build, i, 0, 0);
    build_restart(&rollup->build);
    return rehash(rollup, rollup->hash_size, err);
}

enum status rollup_window(struct rollup *rollup, uint32_t place, int64_t start_ns,
                          const int64_t covered_ns[], struct error *err)
{
    struct build *build = &rollup->build;
    unsigned metrics = rollup->shape.metric_count;

    if (build_tick(build, place, start_ns, UINT64_MAX, err) != STATUS_OK)
        return err->status;
    memcpy(build->covered_ns + (size_t)build->now * metrics, covered_ns,
           metrics * sizeof *covered_ns);
    return STATUS_OK;
}

void rollup_cells_to_row(const struct build_shape *shape, const struct rollup_cell cells[],
                         const int64_t covered_ns[], int64_t total[], int64_t values[],
                         uint8_t missing[])
{
    for (unsigned m = 0; m < shape->metric_count; m++) {
        const struct rollup_cell *cell = &cells[m];
        unsigned first = shape->first_column[m];
        enum metric_kind kind = (enum metric_kind)shape->column[first].kind;
        int64_t *value = values + first;
        int128 rest;

        memset(missing + first, cell->present ? MISSING_NONE : cell->reason,
               metric_part_count(kind));
        if (!cell->present)
            continue;
        total[m] = wrap_add(total[m], cell->increase);
        value[PART_LAST] = kind == METRIC_COUNTER ? total[m] : cell->last;
        value[PART_UNCOVERED] = wrap_subtract(covered_ns[m], cell->covered_ns);
        if (kind == METRIC_COUNTER) {
            value[PART_RATE_ABOVE] =
                wrap_subtract(cell->rate_max, rollup_rate(cell->increase, cell->covered_ns));
            value[PART_RATE_MAX_AT] = cell->rate_max_at_ns / MS_NS;
        } else if (kind == METRIC_GAUGE) {
            rest = (int128)((uint128)cell->sum - (uint128)((int128)cell->last * cell->covered_ns));
            value[PART_MIN_BELOW] = wrap_subtract(cell->last, cell->min);
            value[PART_MAX_ABOVE] = wrap_subtract(cell->max, cell->last);
            value[PART_SUM_LOW] = (int64_t)(uint64_t)rest;
            value[PART_SUM_HIGH] =
                (int64_t)(((uint128)rest - (uint128)(int128)value[PART_SUM_LOW]) >> 64);
        }
    }
}

void rollup_cell_from_row(const struct build_shape *shape, unsigned metric, const int64_t values[],
                          const uint8_t missing[], int64_t covered_ns, int64_t total_before,
                          struct rollup_cell *cell)
{
    unsigned first = shape->first_column[metric];
    enum metric_kind kind = (enum metric_kind)shape->column[first].kind;
    const int64_t *value = values + first;
    uint128 high;
    int128 low, rest;

    *cell =
        (struct rollup_cell){ .present = missing[first] == MISSING_NONE, .reason = missing[first] };
    if (!cell->present)
        return;
    cell->last = value[PART_LAST];
    cell->covered_ns = (int64_t)((uint64_t)covered_ns - (uint64_t)value[PART_UNCOVERED]);
    if (kind == METRIC_COUNTER) {
        cell->increase = (int64_t)((uint64_t)cell->last - (uint64_t)total_before);
        cell->rate_max = (int64_t)((uint64_t)value[PART_RATE_ABOVE] +
                                   (uint64_t)rollup_rate(cell->increase, cell->covered_ns));
        cell->rate_max_at_ns = (int64_t)((uint64_t)value[PART_RATE_MAX_AT] * MS_NS);
    } else if (kind == METRIC_GAUGE) {
        cell->min = (int64_t)((uint64_t)cell->last - (uint64_t)value[PART_MIN_BELOW]);
        cell->max = (int64_t)((uint64_t)cell->last + (uint64_t)value[PART_MAX_ABOVE]);
        high = (uint128)(uint64_t)value[PART_SUM_HIGH] << 64;
        low = value[PART_SUM_LOW];
        rest = (int128)cell->last * cell->covered_ns;
        cell->sum = (int128)(high + (uint128)low + (uint128)rest);
    }
}

/* A counter's total before its first window: 0 when born in view, else unknown: taken as 0 too. */
static enum status open_series(struct rollup *rollup, const struct series *series, uint32_t window,
                               uint32_t *index, struct error *err)
{
    struct series fresh = *series;

    fresh.first = window;
    fresh.flags = SERIES_FIRST | (series->flags & SERIES_BORN);
    fresh.start_ns = (series->flags & SERIES_BORN) != 0 ? series->start_ns : 0;
    return build_open(&rollup->build, &fresh, BUILD_NO_SERIES, index, err);
}

enum status rollup_put(struct rollup *rollup, uint32_t window, const struct series *series,
                       const struct rollup_cell cells[], struct error *err)
{
    struct build *build = &rollup->build;
    unsigned metrics = rollup->shape.metric_count;
    int64_t total[TABLE_METRICS_MAX] = { 0 };
    uint32_t *slot = find(rollup, series->key);
    uint32_t index = *slot - 1;

    build->now = window;
    if (*slot == 0 || build->series[index].end_tick != window || !build->series[index].open) {
        if (open_series(rollup, series, window, &index, err) != STATUS_OK)
            return err->status;
        *slot = index + 1;
    }
    for (unsigned m = 0; m < metrics; m++)
        total[m] =
            build
                ->value[(size_t)index * rollup->shape.column_count + rollup->shape.first_column[m]];
    memcpy(rollup->row, build->value + (size_t)index * rollup->shape.column_count,
           rollup->shape.column_count * sizeof *rollup->row);
    rollup_cells_to_row(&rollup->shape, cells, build->covered_ns + (size_t)window * metrics, total,
                        rollup->row, rollup->row_missing);
    (void)build_compare(build, index, rollup->row, rollup->row_missing, true, NULL);
    if (build->no_memory)
        return error_set(err, STATUS_NO_MEMORY, "rollup of %s", rollup->shape.name);
    if (build->series_count * 2 > rollup->hash_size)
        return rehash(rollup, rollup->hash_size * 4, err);
    return STATUS_OK;
}

void rollup_end(struct rollup *rollup, const struct series *series)
{
    uint32_t *slot = find(rollup, series->key);

    if (*slot != 0)
        build_close(&rollup->build, *slot - 1, series->flags & SERIES_ENDED, series->end_ns);
}

/* The columns of one window of the series, from its changes up to there. */
static uint32_t advance_row(const struct series_changes *changes, uint32_t sample, uint32_t at,
                            int64_t values[], uint8_t missing[])
{
    unsigned columns = changes->build->shape->column_count;

    for (; at < changes->count && changes->sample[at] <= sample; at++)
        for (unsigned c = 0; c < columns; c++)
            if (changes->delta[c] != NULL)
                values[c] = (int64_t)((uint64_t)values[c] + (uint64_t)changes->delta[c][at]);
    for (unsigned c = 0; c < columns; c++) {
        const struct missing_pattern *pattern = &changes->missing[c];

        missing[c] = pattern->shape == MISSING_ALL ? pattern->reason : MISSING_NONE;
        for (uint32_t i = 0; pattern->shape == MISSING_RUNS && i < pattern->run_count; i++) {
            const struct missing_run *run = &changes->run[pattern->run_at + i];

            if (sample >= run->first && sample - run->first < run->count)
                missing[c] = run->reason;
        }
    }
    return at;
}

static void merge(struct rollup_cell *into, const struct rollup_cell *cell, int64_t offset_ns)
{
    if (!cell->present) {
        if (!into->present)
            into->reason = cell->reason;
        return;
    }
    if (!into->present || cell->min < into->min)
        into->min = cell->min;
    if (!into->present || cell->max > into->max)
        into->max = cell->max;
    into->present = true;
    into->last = cell->last;
    into->covered_ns = wrap_add(into->covered_ns, cell->covered_ns);
    into->increase = wrap_add(into->increase, cell->increase);
    into->sum = (int128)((uint128)into->sum + (uint128)cell->sum);
    if (cell->rate_max > into->rate_max) {
        into->rate_max = cell->rate_max;
        into->rate_max_at_ns = wrap_add(cell->rate_max_at_ns, offset_ns);
    }
}

void rollup_combine(const struct series_changes *changes, int64_t window_start_ns,
                    struct rollup_cell cells[])
{
    const struct build *build = changes->build;
    const struct build_shape *shape = build->shape;
    const struct build_series *s = changes->series;
    int64_t values[BUILD_COLUMNS_MAX], total[TABLE_METRICS_MAX];
    uint8_t missing[BUILD_COLUMNS_MAX];
    uint32_t at = 0;

    memset(cells, 0, shape->metric_count * sizeof *cells);
    memcpy(values, changes->base, shape->column_count * sizeof *values);
    for (unsigned m = 0; m < shape->metric_count; m++)
        total[m] = values[shape->first_column[m]];
    for (uint32_t k = 0; k < s->end_tick - s->series.first; k++) {
        uint32_t window = s->series.first + k;
        const int64_t *covered = build->covered_ns + (size_t)window * shape->metric_count;

        at = advance_row(changes, k, at, values, missing);
        for (unsigned m = 0; m < shape->metric_count; m++) {
            struct rollup_cell cell;

            rollup_cell_from_row(shape, m, values, missing, covered[m], total[m], &cell);
            merge(&cells[m], &cell, wrap_subtract(build->tick_ns[window], window_start_ns));
            total[m] = values[shape->first_column[m]];
        }
    }
}
