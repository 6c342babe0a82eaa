/* Columns of rollups are parts of a metric: only those that somebody asks for are decoded. */
#include "analyzer/aggregate_told.h"

#include <stdlib.h>
#include <string.h>

/* One block of rollups, its windows that are wanted, and the parts of one metric. */
struct windows {
    struct aggregate *a;
    struct recording *recording;
    struct block_ticks ticks;
    struct block_table directory;
    int64_t *last_ns;          /* [window] the last tick it tells of; NO_TIME: it is not wanted */
    uint32_t *group;           /* [series] of its process; 0: none of its windows is wanted */
    struct block_column *part; /* [PART_COUNT] */
    const struct aggregate_shown *shown; /* of these what was put off; NULL: of all the rest */
};

bool aggregate_tellable(const struct aggregate *a)
{
    return a->by == BY_PROCESS && select_all(a->select) && !a->want_p95 && !a->want_in_gaps &&
           a->only == NULL;
}

static bool wanted(const struct aggregate *a, int m)
{
    return a->want[m] && a->position[m] != SIZE_MAX;
}

/* Of CPU time sums are always read at once, and of what is put off there is but the largest rate. */
static bool wanted_now(const struct windows *w, int m)
{
    return wanted(w->a, m) &&
           (w->shown != NULL ? w->a->put_off[m] : m == MEASURE_CPU || !w->a->put_off[m]);
}

/* --- what a window says of a process --- */

static void add_counter(enum measure m, struct total *total, const struct rollup_cell *cell)
{
    total->increase = wrap_add(total->increase, cell->increase);
    total->timed |= cell->covered_ns > 0;
    if (m == MEASURE_CPU)
        total->covered_ns = wrap_add(total->covered_ns, cell->covered_ns);
}

static void add_rate(struct total *total, const struct rollup_cell *cell)
{
    if (cell->rate_max > total->max)
        total->max = cell->rate_max;
}

static void add_gauge(struct total *total, const struct rollup_cell *cell)
{
    if (!total->present || cell->max > total->max)
        total->max = cell->max;
    total->timed |= cell->covered_ns > 0;
    total->sum = (int128)((uint128)total->sum + (uint128)cell->sum);
    total->weight_ns = wrap_add(total->weight_ns, cell->covered_ns);
}

static void add_cell(struct aggregate *a, enum measure m, uint32_t group,
                     const struct rollup_cell *cell)
{
    struct total *total = groups_total(&a->groups, group, a->slot[m]);

    if (!cell->present) {
        if (!total->present)
            total->reason = cell->reason;
        return;
    }
    if (measure_is_gauge(m))
        add_gauge(total, cell);
    else
        add_counter(m, total, cell);
    if (m == MEASURE_CPU && !a->put_off[m])
        add_rate(total, cell);
    total->present = true;
}

/* The group of a process that has samples up to a time. */
static enum status see(struct aggregate *a, int64_t process_id, int64_t last_ns,
                       const struct recording_block *block, uint32_t *number, struct error *err)
{
    struct group *group;

    if (groups_find(&a->groups, process_id, NULL, NULL, number, err) != STATUS_OK)
        return err->status;
    group = &a->groups.group[*number];
    if (last_ns > group->last_ns) {
        group->last_ns = last_ns;
        group->block = block;
    }
    return a->want_members ? groups_count(&a->groups, *number, process_id, err) : STATUS_OK;
}

/* --- windows --- */

static enum status find_windows(struct windows *w, const struct recording_block *rollup,
                                const struct told *told, bool *any, struct error *err)
{
    w->last_ns = malloc((w->ticks.count + 1) * sizeof *w->last_ns);
    if (w->last_ns == NULL)
        return error_set(err, STATUS_NO_MEMORY, "windows");
    for (uint32_t i = 0; i < w->ticks.count; i++) {
        int64_t start_ns = w->ticks.start_ns[i];
        int64_t end_ns = wrap_add(start_ns, level_seconds[rollup->level] * 1000000000);
        const struct told_span *span = told_by(told, rollup, start_ns);

        w->last_ns[i] = span == NULL ? NO_TIME : end_ns < span->last_ns ? end_ns : span->last_ns;
        *any |= span != NULL;
    }
    return STATUS_OK;
}

/* Who is in the wanted windows. */
static enum status find_groups(struct windows *w, struct error *err)
{
    const struct block_table *d = &w->directory;

    w->group = calloc(d->series_count + 1, sizeof *w->group);
    if (w->group == NULL)
        return error_set(err, STATUS_NO_MEMORY, "series of a block");
    if (groups_reserve(&w->a->groups, recording_process_rows(w->recording) + 1, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < d->series_count; i++) {
        const struct series *s = &d->series[i];

        for (uint32_t k = s->count; k > 0; k--) {
            int64_t last_ns = w->last_ns[d->tick[s->first + k - 1]];

            if (last_ns == NO_TIME)
                continue;
            if (see(w->a, s->key[0], last_ns, NULL, &w->group[i], err) != STATUS_OK)
                return err->status;
            break;
        }
    }
    return STATUS_OK;
}

/* The parts that figures of the measure are made of. */
static unsigned parts_of(const struct windows *w, enum measure m)
{
    const struct aggregate *a = w->a;
    bool rate = m == MEASURE_CPU && (w->shown != NULL || !a->put_off[m]);
    unsigned basis = 1U << PART_LAST | 1U << PART_UNCOVERED;

    if (measure_is_gauge(m))
        return basis | 1U << PART_MAX_ABOVE |
               (a->want_mean[m] ? 1U << PART_SUM_LOW | 1U << PART_SUM_HIGH : 0U);
    return basis | (rate ? 1U << PART_RATE_ABOVE : 0U);
}

static enum status load_parts(struct windows *w, enum measure m, unsigned parts,
                              struct series_range which, struct error *err)
{
    unsigned first = w->directory.shape->first_column[w->a->position[m]];

    for (unsigned q = 0; q < PART_COUNT; q++)
        if ((parts >> q & 1) != 0 && recording_column(w->recording, &w->directory, first + q, which,
                                                      &w->part[q], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

static struct rollup_cell cell_of(const struct windows *w, enum measure m, unsigned parts,
                                  size_t series, uint32_t sample)
{
    const struct block_table *d = &w->directory;
    const struct block_column *last = &w->part[PART_LAST];
    size_t row = d->row[series] + sample, position = w->a->position[m];
    size_t window = d->series[series].first + sample;
    int64_t before = sample == 0 ? last->base[series] : last->value[row - 1];
    int64_t part[PART_COUNT] = { 0 };
    struct rollup_cell cell = { 0 };

    if (last->missing != NULL && last->missing[row] != MISSING_NONE) {
        cell.reason = last->missing[row];
        return cell;
    }
    for (unsigned q = 0; q < PART_COUNT; q++)
        if ((parts >> q & 1) != 0)
            part[q] = w->part[q].value[row];
    rollup_cell_from_parts(measure_is_gauge(m) ? METRIC_GAUGE : METRIC_COUNTER, part,
                           d->covered_ns[window * d->shape->metric_count + position], before,
                           &cell);
    cell.present = true;
    return cell;
}

static void add_to(struct windows *w, enum measure m, uint32_t group,
                   const struct rollup_cell *cell)
{
    if (w->shown == NULL || m != MEASURE_CPU)
        add_cell(w->a, m, group, cell);
    else if (cell->present)
        add_rate(groups_total(&w->a->groups, group, w->a->slot[m]), cell);
}

static enum status add_measure(struct windows *w, enum measure m, struct series_range which,
                               struct error *err)
{
    const struct block_table *d = &w->directory;
    unsigned parts = parts_of(w, m);

    if (load_parts(w, m, parts, which, err) != STATUS_OK)
        return err->status;
    for (size_t i = which.first; i < which.end && i < d->series_count; i++) {
        const struct series *s = &d->series[i];

        for (uint32_t k = 0; k < s->count && w->group[i] != 0; k++) {
            struct rollup_cell cell;

            if (w->last_ns[d->tick[s->first + k]] == NO_TIME)
                continue;
            cell = cell_of(w, m, parts, i, k);
            add_to(w, m, w->group[i], &cell);
        }
    }
    return STATUS_OK;
}

static enum status add_measures(struct windows *w, struct series_range which, struct error *err)
{
    enum status st = recording_activity(w->recording, &w->directory, which, err);

    for (int m = 0; m < MEASURE_COUNT && st == STATUS_OK; m++)
        if (wanted_now(w, m))
            st = add_measure(w, (enum measure)m, which, err);
    return st;
}

static bool is_shown(const struct aggregate_shown *shown, int64_t process_id)
{
    size_t low = 0, high = shown->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (shown->process_id[middle] < process_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < shown->count && shown->process_id[low] == process_id;
}

/* The series of rows to show. */
static enum status add_shown(struct windows *w, struct error *err)
{
    struct block_table *d = &w->directory;
    size_t groups = (d->series_count + GROUP_SERIES - 1) / GROUP_SERIES, end = 0;

    w->group = calloc(d->series_count + 1, sizeof *w->group);
    d->left_out = malloc(groups);
    if (w->group == NULL || d->left_out == NULL)
        return error_set(err, STATUS_NO_MEMORY, "series of a block");
    memset(d->left_out, 1, groups);
    for (size_t i = 0; i < d->series_count; i++) {
        int64_t process_id = d->series[i].key[0];

        if (!is_shown(w->shown, process_id))
            continue;
        w->group[i] = groups_known(&w->a->groups, process_id);
        d->left_out[i / GROUP_SERIES] = 0;
        end = i + 1;
    }
    return end == 0 ? STATUS_OK : add_measures(w, (struct series_range){ 0, end }, err);
}

static enum status add_windows(struct windows *w, const struct recording_block *rollup,
                               const struct told *told, struct error *err)
{
    bool any = false;
    enum status st = find_windows(w, rollup, told, &any, err);

    if (st != STATUS_OK || !any)
        return st;
    st = recording_directory_open(w->recording, rollup, w->a->block.table, &w->ticks, &w->directory,
                                  err);
    if (st == STATUS_ABSENT)
        return STATUS_OK;
    if (st == STATUS_OK && w->shown != NULL)
        return add_shown(w, err);
    if (st == STATUS_OK)
        st = find_groups(w, err);
    return st == STATUS_OK ? add_measures(w, series_all, err) : st;
}

static enum status read_windows(struct windows *w, const struct recording_block *rollup,
                                const struct told *told, struct error *err)
{
    enum status st = recording_tick_times(w->recording, rollup, &w->ticks, err);

    if (st != STATUS_OK)
        return st;
    st = add_windows(w, rollup, told, err);
    block_table_release(&w->directory);
    block_ticks_release(&w->ticks);
    free(w->last_ns);
    free(w->group);
    return st;
}

enum status aggregate_windows(struct aggregate *a, const struct recording_block *rollup,
                              const struct told *told, struct error *err)
{
    struct windows w = { .a = a, .recording = a->block.recording, .part = a->part };

    return read_windows(&w, rollup, told, err);
}

enum status aggregate_windows_of(struct aggregate *a, const struct recording_block *rollup,
                                 const struct told *told, const struct aggregate_shown *shown,
                                 struct error *err)
{
    struct windows w = { .a = a, .recording = a->block.recording, .part = a->part, .shown = shown };

    return read_windows(&w, rollup, told, err);
}

/* --- short lives --- */

/* A life that no tick saw has no row: a first sample is read of all metrics. */
static bool was_sampled(const struct rollup_cell cells[], size_t metric_count)
{
    for (size_t m = 0; m < metric_count; m++)
        if (cells[m].present || cells[m].reason != MISSING_NOT_SAMPLED)
            return true;
    return false;
}

/* Nothing of a life is put off. */
static void add_life(struct aggregate *a, enum measure m, uint32_t group,
                     const struct rollup_cell *cell)
{
    add_cell(a, m, group, cell);
    if (m == MEASURE_CPU && cell->present)
        add_rate(groups_total(&a->groups, group, a->slot[m]), cell);
}

enum status aggregate_lives(struct aggregate *a, const struct recording_block *block,
                            struct error *err)
{
    size_t metric_count = a->block.table->metric_count;
    const struct lifetimes *lives;

    if (block->lifetime_count == 0)
        return STATUS_OK;
    if (recording_lifetimes(a->block.recording, block, &lives, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < lives->count; i++) {
        const struct rollup_cell *cells = &lives->cell[i * metric_count];
        uint32_t group;

        if (!was_sampled(cells, metric_count))
            continue;
        if (see(a, lives->process[i].process_id, block->end_ns, block, &group, err) != STATUS_OK)
            return err->status;
        for (int m = 0; m < MEASURE_COUNT; m++)
            if (wanted(a, m))
                add_life(a, (enum measure)m, group, &cells[a->position[m]]);
    }
    return STATUS_OK;
}

void aggregate_lives_unseen(struct aggregate *a, const struct recording_block *block,
                            const struct block_sums *sums)
{
    struct total *others = groups_total(&a->groups, 0, a->slot[MEASURE_CPU]);

    a->unseen += block->lifetime_count;
    others->increase = wrap_add(others->increase, sums->cpu_increase);
}

void aggregate_falls(struct aggregate *a, const struct block_sums *sums)
{
    for (int m = 0; m < MEASURE_COUNT; m++)
        if (wanted(a, m) && !measure_is_gauge((enum measure)m))
            a->resets = wrap_add(a->resets, sums->falls[a->position[m]]);
}
