/*
 * A block is cut into pieces, each of one series and one group; then, column by column, pieces
 * are added up. A group with several members in the block is summed per tick first.
 */
#include "analyzer/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate_trace.h"
#include "schema/rollup.h"

const char *const measure_metric[MEASURE_COUNT] = {
    "cpu_ns_total",
    "cpu_user_ns_total",
    "cpu_system_ns_total",
    "run_delay_ns_total",
    "disk_read_bytes_total",
    "disk_written_bytes_total",
    "io_read_chars_total",
    "io_written_chars_total",
    "context_switches_voluntary_total",
    "context_switches_involuntary_total",
    "minor_faults_total",
    "major_faults_total",
    "energy_nj_total",
    "resident_bytes",
    "threads",
    "swap_bytes",
    "footprint_bytes",
};

enum { NOT_SELECTED = 0 }; /* the group of samples that nobody asked for */

enum status aggregate_begin(struct aggregate *a, struct recording *recording,
                            const struct window *window, struct error *err)
{
    const struct recording_table *table = recording_table(recording, "process_samples");

    a->window = *window;
    a->want[MEASURE_CPU] = true;
    a->groups.by = a->by;
    a->groups.recording = recording;
    if (table == NULL || recording_metric(table, measure_metric[MEASURE_CPU]) == SIZE_MAX)
        return error_set(err, STATUS_ABSENT, "%s holds no CPU time of processes",
                         recording_contents(recording)->path);
    a->block.recording = recording;
    a->block.table = table;
    for (size_t m = 0; m < MEASURE_COUNT; m++) {
        a->slot[m] = a->want[m] ? a->groups.total_count++ : SIZE_MAX;
        a->position[m] = recording_metric(table, measure_metric[m]);
        if (a->position[m] != SIZE_MAX)
            a->scale[m] = table->metrics[a->position[m]].scale;
    }
    return groups_begin(&a->groups, err);
}

void aggregate_release(struct aggregate *a)
{
    groups_release(&a->groups);
    rate_block_release(&a->block);
    carry_release(&a->carry);
    for (size_t q = 0; q < PART_COUNT; q++)
        block_column_release(&a->part[q]);
    free(a->piece);
    free(a->tick);
    *a = (struct aggregate){ 0 };
}

/* --- pieces --- */

/* `process` and `version`: where they matter. */
static enum status add_piece(struct aggregate *a, struct piece piece, int64_t process_id,
                             const struct process *process, const struct version *version,
                             bool selected, struct error *err)
{
    struct group *group;
    int64_t last_ns = a->block.directory.tick_ns[piece.end - 1];

    piece.group = NOT_SELECTED;
    if (selected &&
        groups_find(&a->groups, process_id, process, version, &piece.group, err) != STATUS_OK)
        return err->status;
    if (a->piece_count == a->piece_size) {
        size_t more = a->piece_size == 0 ? 1024 : a->piece_size * 2;
        struct piece *larger = realloc(a->piece, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "series of a block");
        a->piece = larger;
        a->piece_size = more;
    }
    a->piece[a->piece_count++] = piece;
    group = &a->groups.group[piece.group];
    if (selected && last_ns > group->last_ns) {
        group->last_ns = last_ns;
        group->block = a->block.block;
    }
    if (!selected || !a->want_members)
        return STATUS_OK;
    return groups_count(&a->groups, piece.group, process_id, err);
}

/* Cut a series where its process was renamed. */
static enum status cut_series(struct aggregate *a, struct piece piece, int64_t process_id,
                              struct error *err)
{
    const struct block_table *d = &a->block.directory;
    const struct process *p;
    const struct version *v;
    uint32_t end = piece.end;

    if (recording_process(a->block.recording, a->block.block, process_id, &p, err) != STATUS_OK)
        return err->status;
    v = process_version_at(p, d->tick_ns[piece.first]);
    for (; piece.first < end; piece.first = piece.end, v++) {
        piece.end = end;
        if (v != NULL && v + 1 < p->versions + p->version_count)
            for (piece.end = piece.first; piece.end < end; piece.end++)
                if (d->tick_ns[piece.end] >= v[1].from_ns)
                    break;
        if (piece.end > piece.first &&
            add_piece(a, piece, process_id, p, v, select_match(a->select, a->block.recording, p, v),
                      err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static int by_group(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static bool is_asked_for(const struct aggregate *a, int64_t process_id)
{
    return a->only == NULL ||
           bsearch(&process_id, a->only, a->only_count, sizeof *a->only, by_id) != NULL;
}

static enum status cut_block(struct aggregate *a, struct error *err)
{
    const struct rate_block *b = &a->block;
    bool named = a->by != BY_PROCESS || !select_all(a->select);

    a->piece_count = 0;
    for (size_t i = 0; i < b->directory.series_count; i++) {
        const struct series *s = &b->directory.series[i];
        struct piece piece = { .series = (uint32_t)i,
                               .first = s->first > b->first ? s->first : b->first,
                               .end = s->first + s->count < b->end ? s->first + s->count : b->end };
        enum status st;

        if (piece.first >= piece.end || !is_asked_for(a, s->key[0]))
            continue;
        st = named ? cut_series(a, piece, s->key[0], err)
                   : add_piece(a, piece, s->key[0], NULL, NULL, true, err);
        if (st != STATUS_OK)
            return st;
    }
    if (a->by != BY_PROCESS && a->piece_count > 1)
        qsort(a->piece, a->piece_count, sizeof *a->piece, by_group);
    return STATUS_OK;
}

/* --- adding up --- */

static void cover(struct total *total, int64_t dt_ns, int64_t at_ns, bool alone)
{
    if (dt_ns == 0)
        return;
    total->timed = true;
    /* Of one process no two intervals overlap, however short a part of a tick they are. */
    if (!alone && total->until_ns != NO_TIME && dt_ns > wrap_subtract(at_ns, total->until_ns))
        dt_ns = wrap_subtract(at_ns, total->until_ns);
    total->covered_ns = wrap_add(total->covered_ns, dt_ns); /* times may be a stranger's */
    total->until_ns = at_ns;
}

/* CPU of a group for a time: how fast, and for how long. */
static enum status add_rate(struct aggregate *a, uint32_t number, int64_t rate, int64_t dt_ns,
                            int64_t at_ns, struct error *err)
{
    struct total *total = groups_total(&a->groups, number, a->slot[MEASURE_CPU]);
    int64_t rest_ns = wrap_add(wrap_subtract(a->window.to_ns, at_ns), INTERVAL_MIN_NS);

    if (dt_ns == 0)
        return STATUS_OK;
    cover(total, dt_ns, at_ns, a->by == BY_PROCESS);
    if (rate > total->max)
        total->max = rate;
    if (!a->want_p95 || number == NOT_SELECTED)
        return STATUS_OK;
    /* Members that were missing for a while make a group's times overlap: no telling how much. */
    if (!distribution_add(&a->groups.group[number].rates, rate, dt_ns,
                          a->by == BY_PROCESS ? rest_ns : INT64_MAX))
        return error_set(err, STATUS_NO_MEMORY, "rates");
    return STATUS_OK;
}

static void add_level(struct total *total, int64_t value, int64_t dt_ns)
{
    if (!total->present || value > total->max)
        total->max = value;
    total->present = true;
    total->timed |= dt_ns > 0;
    total->sum += (int128)value * dt_ns;
    total->weight_ns = wrap_add(total->weight_ns, dt_ns);
}

static void add_increase(struct aggregate *a, struct total *total, const struct rate_run *run)
{
    total->present = true;
    a->resets += run->reset && !run->gap;
    if (run->gap)
        total->in_gaps += run->increase;
    else
        total->increase += run->increase;
    total->timed |= run->dt_ns > 0;
}

/* A piece that alone is its group at its ticks, or whose ticks do not matter. */
static enum status add_alone(struct aggregate *a, enum measure m, const struct piece *piece,
                             struct error *err)
{
    struct total *total = groups_total(&a->groups, piece->group, a->slot[m]);
    bool traced = trace_wants(a->trace, &a->groups, piece->group);
    struct rate_walk walk, before;
    struct rate_run run;

    rate_begin(&walk, &a->block, piece->series, piece->first, piece->end);
    for (;;) {
        int64_t at_ns;

        if (traced)
            before = walk;
        if (!rate_next(&walk, &run))
            break;
        if (traced && aggregate_tell_run(a, m, &before, &run, err) != STATUS_OK)
            return err->status;
        at_ns = a->block.directory.tick_ns[run.tick + run.count - 1];
        if (measure_is_gauge(m)) {
            add_level(total, run.value, run.dt_ns);
            continue;
        }
        add_increase(a, total, &run);
        if (m == MEASURE_CPU && add_rate(a, piece->group, rollup_rate(run.increase, run.dt_ns),
                                         run.dt_ns, at_ns, err) != STATUS_OK)
            return err->status;
    }
    if (!total->present && walk.missing != NULL)
        total->reason = walk.missing[walk.end - 1];
    return STATUS_OK;
}

static enum status sum_ticks(struct aggregate *a, enum measure m, const struct piece *piece,
                             bool traced, struct error *err)
{
    struct total *total = groups_total(&a->groups, piece->group, a->slot[m]);
    struct rate_walk walk, before;
    struct rate_run run;

    rate_begin(&walk, &a->block, piece->series, piece->first, piece->end);
    for (;;) {
        struct tick_sum *tick;

        if (traced)
            before = walk;
        if (!rate_next(&walk, &run))
            break;
        tick = &a->tick[run.tick];
        if (!measure_is_gauge(m)) {
            if (traced && aggregate_tell_run(a, m, &before, &run, err) != STATUS_OK)
                return err->status;
            add_increase(a, total, &run);
        }
        if (run.quiet) {
            tick[0].quiet_more++;
            tick[run.count].quiet_more--;
            tick[0].quiet_step += measure_is_gauge(m) ? run.value : 0;
            tick[run.count].quiet_step -= measure_is_gauge(m) ? run.value : 0;
            continue;
        }
        tick->present = true;
        tick->dt_ns = run.dt_ns > tick->dt_ns ? run.dt_ns : tick->dt_ns;
        tick->value += measure_is_gauge(m) ? run.value : run.dt_ns > 0 ? run.increase : 0;
    }
    return STATUS_OK;
}

/* The time since the table's tick before; 0 across a gap and at a session's first tick. */
static int64_t tick_interval(const struct aggregate *a, enum measure m, uint32_t tick)
{
    const struct block_table *d = &a->block.directory;
    int64_t before_ns = d->column_previous_ns[a->position[m]];

    if (tick > 0)
        return rate_tick_dt(&a->block, tick);
    return before_ns == INT64_MIN || d->gap[0] ? 0 : d->tick_ns[0] - before_ns;
}

/* Several members: first what they come to at each tick. */
static enum status add_together(struct aggregate *a, enum measure m, const struct piece piece[],
                                size_t count, struct error *err)
{
    struct total *total = groups_total(&a->groups, piece[0].group, a->slot[m]);
    bool traced = trace_wants(a->trace, &a->groups, piece[0].group);
    int64_t quiet_value = 0;
    int32_t quiet = 0;

    memset(a->tick, 0, (a->block.directory.tick_count + 1) * sizeof *a->tick);
    for (size_t i = 0; i < count; i++)
        if (sum_ticks(a, m, &piece[i], traced, err) != STATUS_OK)
            return err->status;
    for (uint32_t t = a->block.first; t < a->block.end; t++) {
        const struct tick_sum *tick = &a->tick[t];
        int64_t dt_ns = tick->dt_ns, covered_ns = total->covered_ns;
        bool present;

        quiet += tick->quiet_more;
        quiet_value += tick->quiet_step;
        if ((quiet > 0 || (m == MEASURE_CPU && dt_ns > 0)) && tick_interval(a, m, t) > dt_ns)
            dt_ns = tick_interval(a, m, t);
        present = m == MEASURE_CPU ? dt_ns > 0 : tick->present || quiet > 0;
        if (present && measure_is_gauge(m))
            add_level(total, tick->value + quiet_value, dt_ns);
        else if (m == MEASURE_CPU &&
                 add_rate(a, piece[0].group, rollup_rate(tick->value, dt_ns), dt_ns,
                          a->block.directory.tick_ns[t], err) != STATUS_OK)
            return err->status;
        if (traced && present &&
            aggregate_tell_tick(
                a, m, t, measure_is_gauge(m) ? tick->value + quiet_value : tick->value, dt_ns,
                wrap_subtract(total->covered_ns, covered_ns), err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* Pieces of the same group from here on that are one series, or all when ticks do not matter. */
static size_t same_group(const struct aggregate *a, size_t first, bool *alone)
{
    size_t end = first + 1;

    *alone = true;
    if (a->by == BY_PROCESS)
        return end;
    for (; end < a->piece_count && a->piece[end].group == a->piece[first].group; end++)
        *alone &= a->piece[end].series == a->piece[first].series;
    return end;
}

static enum status add_measure(struct aggregate *a, enum measure m, struct error *err)
{
    bool summed = m == MEASURE_CPU || measure_is_gauge(m);
    enum status st = STATUS_OK;

    for (size_t i = 0, end; i < a->piece_count && st == STATUS_OK; i = end) {
        const struct piece *piece = &a->piece[i];
        bool alone;

        end = same_group(a, i, &alone);
        if (piece->group == NOT_SELECTED && m != MEASURE_CPU)
            continue;
        /* Of a group, short lives within a tick must not pass for full speed: always by tick. */
        alone &= a->by == BY_PROCESS || m != MEASURE_CPU;
        if (summed && !alone && piece->group != NOT_SELECTED) {
            st = add_together(a, m, piece, end - i, err);
            continue;
        }
        for (; piece < &a->piece[end] && st == STATUS_OK; piece++)
            st = add_alone(a, m, piece, err);
    }
    return st;
}

/* --- blocks --- */

/* Some series begins without a value before it, which an earlier session may know. */
static bool wants_carry(const struct aggregate *a)
{
    const struct rate_block *b = &a->block;

    for (size_t i = 0; a->want_in_gaps && i < b->directory.series_count; i++)
        if ((b->directory.series[i].flags & SERIES_BORN) == 0 && b->column.base_ns[i] == INT64_MIN)
            return true;
    return false;
}

static enum status walk_measure(struct aggregate *a, enum measure m, struct error *err)
{
    a->block.carry = NULL;
    if (rate_block_column(&a->block, a->position[m], err) != STATUS_OK)
        return err->status;
    if (m == MEASURE_CPU && wants_carry(a)) {
        if (carry_load(&a->carry, a->block.recording, a->block.table, a->position[m],
                       a->block.block->session, err) != STATUS_OK)
            return err->status;
        a->block.carry = &a->carry;
    }
    return add_measure(a, m, err);
}

static enum status reserve_ticks(struct aggregate *a, struct error *err)
{
    size_t count = (size_t)a->block.directory.tick_count + 1;

    if (count <= a->tick_size)
        return STATUS_OK;
    free(a->tick);
    a->tick = malloc(count * sizeof *a->tick);
    a->tick_size = a->tick == NULL ? 0 : count;
    return a->tick != NULL ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "ticks of a block");
}

int64_t aggregate_all_cpu(const struct aggregate *a)
{
    int64_t sum = 0;

    for (size_t g = 0; g < a->groups.count; g++)
        sum += aggregate_total(a, (uint32_t)g, MEASURE_CPU)->increase;
    return sum;
}

enum status aggregate_block(struct aggregate *a, const struct recording_block *block,
                            const struct block_ticks *ticks, struct error *err)
{
    enum status st = rate_block_open(&a->block, block, ticks, &a->window, err);

    if (st == STATUS_ABSENT)
        return STATUS_OK;
    if (st != STATUS_OK || cut_block(a, err) != STATUS_OK || reserve_ticks(a, err) != STATUS_OK)
        return err->status;
    for (size_t m = 0; m < MEASURE_COUNT && st == STATUS_OK; m++)
        if (a->want[m] && a->position[m] != SIZE_MAX)
            st = walk_measure(a, (enum measure)m, err);
    return st;
}
