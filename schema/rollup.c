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
    free(rollup->quiet);
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
    build_restart(&rollup->build, 0);
    if (rollup->quiet_size > 0)
        memset(rollup->quiet, 0, rollup->quiet_size); /* series have moved */
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

void rollup_cell_to_parts(enum metric_kind kind, const struct rollup_cell *cell, int64_t covered_ns,
                          int64_t total_before, int64_t part[])
{
    int128 rest;

    part[PART_LAST] = kind == METRIC_COUNTER ? wrap_add(total_before, cell->increase) : cell->last;
    part[PART_UNCOVERED] = wrap_subtract(covered_ns, cell->covered_ns);
    if (kind == METRIC_COUNTER) {
        part[PART_RATE_ABOVE] =
            wrap_subtract(cell->rate_max, rollup_rate(cell->increase, cell->covered_ns));
        part[PART_RATE_MAX_AT] = cell->rate_max_at_ns / MS_NS;
    } else if (kind == METRIC_GAUGE) {
        rest = (int128)((uint128)cell->sum - (uint128)((int128)cell->last * cell->covered_ns));
        part[PART_MIN_BELOW] = wrap_subtract(cell->last, cell->min);
        part[PART_MAX_ABOVE] = wrap_subtract(cell->max, cell->last);
        part[PART_SUM_LOW] = (int64_t)(uint64_t)rest;
        part[PART_SUM_HIGH] =
            (int64_t)(((uint128)rest - (uint128)(int128)part[PART_SUM_LOW]) >> 64);
    }
}

void rollup_cell_from_parts(enum metric_kind kind, const int64_t part[], int64_t covered_ns,
                            int64_t total_before, struct rollup_cell *cell)
{
    uint128 high;
    int128 low, rest;

    cell->last = part[PART_LAST];
    cell->covered_ns = wrap_subtract(covered_ns, part[PART_UNCOVERED]);
    if (kind == METRIC_COUNTER) {
        cell->increase = wrap_subtract(cell->last, total_before);
        cell->rate_max =
            wrap_add(part[PART_RATE_ABOVE], rollup_rate(cell->increase, cell->covered_ns));
        cell->rate_max_at_ns = (int64_t)((uint64_t)part[PART_RATE_MAX_AT] * MS_NS);
    } else if (kind == METRIC_GAUGE) {
        cell->min = wrap_subtract(cell->last, part[PART_MIN_BELOW]);
        cell->max = wrap_add(cell->last, part[PART_MAX_ABOVE]);
        high = (uint128)(uint64_t)part[PART_SUM_HIGH] << 64;
        low = part[PART_SUM_LOW];
        rest = (int128)cell->last * cell->covered_ns;
        cell->sum = (int128)(high + (uint128)low + (uint128)rest);
    }
}

void rollup_cells_to_row(const struct build_shape *shape, const struct rollup_cell cells[],
                         const int64_t covered_ns[], int64_t total[], int64_t values[],
                         uint8_t missing[])
{
    for (unsigned m = 0; m < shape->metric_count; m++) {
        const struct rollup_cell *cell = &cells[m];
        unsigned first = shape->first_column[m];
        enum metric_kind kind = (enum metric_kind)shape->column[first].kind;

        memset(missing + first, cell->present ? MISSING_NONE : cell->reason,
               metric_part_count(kind));
        if (!cell->present)
            continue;
        rollup_cell_to_parts(kind, cell, covered_ns[m], total[m], values + first);
        total[m] = wrap_add(total[m], cell->increase);
    }
}

void rollup_cell_from_row(const struct build_shape *shape, unsigned metric, const int64_t values[],
                          const uint8_t missing[], int64_t covered_ns, int64_t total_before,
                          struct rollup_cell *cell)
{
    unsigned first = shape->first_column[metric];

    *cell =
        (struct rollup_cell){ .present = missing[first] == MISSING_NONE, .reason = missing[first] };
    if (cell->present)
        rollup_cell_from_parts((enum metric_kind)shape->column[first].kind, values + first,
                               covered_ns, total_before, cell);
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

/* Whether the row just put shows no change and covers all; false if memory ran out. */
static bool note_quiet(struct rollup *rollup, uint32_t index)
{
    int64_t any = 0;

    if (index >= rollup->quiet_size) {
        uint8_t *larger = realloc(rollup->quiet, rollup->build.series_size);

        if (larger == NULL)
            return false;
        memset(larger + rollup->quiet_size, 0, rollup->build.series_size - rollup->quiet_size);
        rollup->quiet = larger;
        rollup->quiet_size = rollup->build.series_size;
    }
    for (unsigned c = 0; c < rollup->shape.column_count; c++)
        if (rollup->shape.column[c].part != PART_LAST && rollup->row_missing[c] == MISSING_NONE)
            any |= rollup->row[c];
    rollup->quiet[index] = any == 0;
    return true;
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
    (void)build_values(build, index, rollup->row);
    for (unsigned m = 0; m < metrics; m++)
        total[m] = rollup->row[rollup->shape.first_column[m]];
    rollup_cells_to_row(&rollup->shape, cells, build->covered_ns + (size_t)window * metrics, total,
                        rollup->row, rollup->row_missing);
    (void)build_compare(build, index, rollup->row, rollup->row_missing, true, NULL);
    if (build->no_memory || !note_quiet(rollup, index))
        return error_set(err, STATUS_NO_MEMORY, "rollup of %s", rollup->shape.name);
    if (build->series_count * 2 > rollup->hash_size)
        return rehash(rollup, rollup->hash_size * 4, err);
    return STATUS_OK;
}

bool rollup_repeat(struct rollup *rollup, uint32_t first, uint32_t end, const struct series *series)
{
    struct build *build = &rollup->build;
    uint32_t index = *find(rollup, series->key) - 1;

    if (index == UINT32_MAX || index >= rollup->quiet_size || !rollup->quiet[index] ||
        !build->series[index].open || build->series[index].end_tick != first)
        return false;
    build->series[index].end_tick = end;
    return true;
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

/* Where combining the windows of one series stands. */
struct combining {
    const struct series_changes *changes;
    int64_t window_start_ns;
    struct rollup_cell *cells;
    int64_t value[BUILD_COLUMNS_MAX], total[TABLE_METRICS_MAX];
    uint8_t missing[BUILD_COLUMNS_MAX];
    struct rollup_cell last[TABLE_METRICS_MAX]; /* of the window added last */
};

static void add_window(struct combining *c, uint32_t window)
{
    const struct build *build = c->changes->build;
    const struct build_shape *shape = build->shape;
    const int64_t *covered = build->covered_ns + (size_t)window * shape->metric_count;

    for (unsigned m = 0; m < shape->metric_count; m++) {
        rollup_cell_from_row(shape, m, c->value, c->missing, covered[m], c->total[m], &c->last[m]);
        merge(&c->cells[m], &c->last[m], wrap_subtract(build->tick_ns[window], c->window_start_ns));
        c->total[m] = c->value[shape->first_column[m]];
    }
}

/* Windows whose rows repeat the one added last, which itself repeated the one before it. */
static void add_repeated(struct combining *c, uint32_t window, uint32_t end)
{
    const struct build *build = c->changes->build;
    const struct build_shape *shape = build->shape;

    for (unsigned m = 0; m < shape->metric_count; m++) {
        const int64_t *covered = build->covered_ns + m;
        const struct rollup_cell *last = &c->last[m];
        struct rollup_cell *into = &c->cells[m];
        int64_t less =
            wrap_subtract(covered[(size_t)(window - 1) * shape->metric_count], last->covered_ns);
        int64_t sum_ns = 0;
        int128 rest;

        if (!last->present)
            continue;
        for (uint32_t w = window; w < end; w++)
            sum_ns =
                wrap_add(sum_ns, wrap_subtract(covered[(size_t)w * shape->metric_count], less));
        rest = (int128)((uint128)last->sum - (uint128)((int128)last->last * last->covered_ns));
        into->covered_ns = wrap_add(into->covered_ns, sum_ns);
        into->sum = (int128)((uint128)into->sum + (uint128)rest * (end - window) +
                             (uint128)((int128)last->last * sum_ns));
    }
}

static bool any_runs(const struct series_changes *changes)
{
    for (unsigned c = 0; c < changes->build->shape->column_count; c++)
        if (changes->missing[c].shape == MISSING_RUNS)
            return true;
    return false;
}

void rollup_combine(const struct series_changes *changes, int64_t window_start_ns,
                    struct rollup_cell cells[])
{
    const struct build_shape *shape = changes->build->shape;
    const struct build_series *s = changes->series;
    struct combining c = { .changes = changes, .window_start_ns = window_start_ns, .cells = cells };
    uint32_t count = s->end_tick - s->series.first, at = 0;
    bool runs = any_runs(changes);

    memset(cells, 0, shape->metric_count * sizeof *cells);
    memcpy(c.value, changes->base, shape->column_count * sizeof *c.value);
    for (unsigned m = 0; m < shape->metric_count; m++)
        c.total[m] = c.value[shape->first_column[m]];
    for (uint32_t k = 0; k < count;) {
        uint32_t next;

        at = advance_row(changes, k, at, c.value, c.missing);
        next = at < changes->count ? changes->sample[at] : count;
        add_window(&c, s->series.first + k++);
        if (runs || next < k + 2)
            continue;
        add_window(&c, s->series.first + k++);
        add_repeated(&c, s->series.first + k, s->series.first + next);
        k = next;
    }
}
