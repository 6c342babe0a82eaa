/* Reads usage first, then takes from it what rollups tell process by process. */
#include "analyzer/evicted.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define HOUR_NS (3600 * SECOND_NS)

struct reading {
    struct evicted *to;
    struct aggregate *a;
    struct host_total *host;
    struct recording *recording;
    const struct recording_contents *contents;
    struct window window;
    int64_t minutes_ns; /* level 60 tells from here on */
    bool by_name;       /* rows are those of usage */
    bool named;         /* what is asked for can be told by name */
    struct recording_usage *hour;
    size_t hour_count;
    bool *whole; /* [hour_count] it is added */
    bool *seen;  /* [hour_count] a rollup of the host tells of it */
    struct block_column column[PART_COUNT];
};

/* --- where it is --- */

static int64_t samples_begin(const struct recording_contents *c)
{
    if (c->block_count[0] == 0 || c->blocks[0][0].block_seq == 1)
        return NO_TIME;
    return rollup_window_start(c->blocks[0][0].start_ns, 60);
}

int64_t evicted_since(struct recording *recording)
{
    const struct recording_contents *c = recording_contents(recording);
    int64_t until_ns = samples_begin(c), since_ns = until_ns;
    struct recording_usage *hours = NULL;
    size_t count = 0;
    struct error err;

    if (until_ns == NO_TIME)
        return NO_TIME;
    if (recording_usages(recording, false, &hours, &count, &err) == STATUS_OK && count > 0 &&
        hours[0].start_ns < since_ns)
        since_ns = hours[0].start_ns;
    free(hours);
    for (unsigned level = 1; level < LEVEL_COUNT; level++)
        if (c->block_count[level] > 0 && c->blocks[level][0].start_ns < since_ns)
            since_ns = c->blocks[level][0].start_ns;
    return since_ns == until_ns ? NO_TIME : since_ns;
}

/* --- usage --- */

static bool selected(const struct reading *r, const struct usage_key *key)
{
    static const struct process nobody = { .pid = -1 };
    struct version version = { .uid_known = key->uid_known, .uid = key->uid };

    if (select_all(r->a->select))
        return true;
    version.text[PROCESS_COMM] = key->comm;
    version.text[PROCESS_USER] = key->user;
    return r->named && select_match(r->a->select, r->recording, &nobody, &version);
}

/* The row's group, or number 0 if it is not asked for. */
static enum status group_of(struct reading *r, const struct usage_key *key, uint32_t *group,
                            struct error *err)
{
    struct version version = { .uid_known = key->uid_known, .uid = key->uid };

    *group = 0;
    if (!selected(r, key))
        return STATUS_OK;
    version.text[PROCESS_COMM] = key->comm;
    version.text[PROCESS_USER] = key->user;
    if (groups_find_named(&r->a->groups, &version, group, err) != STATUS_OK)
        return err->status;
    r->a->groups.group[*group].coarse = COARSE_SUMS;
    return STATUS_OK;
}

static enum status add_sum(struct reading *r, enum measure m, const struct usage_sum *sum,
                           bool wanted, uint32_t group, int64_t start_ns, struct error *err)
{
    struct total *total;

    if (wanted && !r->by_name) {
        r->to->increase[m] = wrap_add(r->to->increase[m], sum->increase);
        r->to->known[m] |= sum->covered_ns != 0;
        return STATUS_OK;
    }
    total = groups_total(&r->a->groups, group, r->a->slot[m]);
    total->increase = wrap_add(total->increase, sum->increase);
    total->present |= sum->covered_ns != 0;
    total->timed |= sum->covered_ns != 0;
    if (trace_wants(r->a->trace, &r->a->groups, group)) {
        struct trace_item item = { .what = TRACE_USAGE,
                                   .which = m,
                                   .from_ns = start_ns,
                                   .to_ns = start_ns + HOUR_NS,
                                   .dt_ns = sum->covered_ns,
                                   .increase = sum->increase };

        return r->a->trace->take(r->a->trace, &item, err);
    }
    return STATUS_OK;
}

static enum status add_row(struct reading *r, const struct usage *usage, size_t row,
                           int64_t start_ns, struct error *err)
{
    const struct usage_key *key = &usage->row[row].key;
    bool wanted = selected(r, key);
    uint32_t group = 0;

    if (r->by_name && group_of(r, key, &group, err) != STATUS_OK)
        return err->status;
    for (int m = 0; m < MEASURE_COUNT; m++)
        if (r->a->want[m] && r->a->position[m] < usage->metric_count && m < MEASURE_RESIDENT)
            if (add_sum(r, (enum measure)m, &usage_sums(usage, row)[r->a->position[m]], wanted,
                        group, start_ns, err) != STATUS_OK)
                return err->status;
    if (r->by_name && wanted)
        r->a->groups.group[group].process_count += (size_t)usage->row[row].process_count;
    else if (wanted && (key->flags & USAGE_LIFETIMES) != 0)
        r->to->process_count = wrap_add(r->to->process_count, usage->row[row].process_count);
    return STATUS_OK;
}

/* All of the hour that was evicted lies in the window. */
static bool is_whole(const struct reading *r, int64_t start_ns)
{
    int64_t end_ns = start_ns + HOUR_NS;

    if (end_ns > r->to->until_ns)
        end_ns = r->to->until_ns;
    return start_ns >= r->window.from_ns && end_ns <= r->window.to_ns;
}

static enum status read_usage(struct reading *r, struct error *err)
{
    struct usage usage = { 0 };
    enum status st = recording_usages(r->recording, false, &r->hour, &r->hour_count, err);

    r->whole = calloc(r->hour_count + 1, sizeof *r->whole);
    r->seen = calloc(r->hour_count + 1, sizeof *r->seen);
    if (st == STATUS_OK && (r->whole == NULL || r->seen == NULL))
        st = error_set(err, STATUS_NO_MEMORY, "hours");
    usage_init(&usage, &r->a->block.table->shape[0]);
    for (size_t i = 0; i < r->hour_count && st == STATUS_OK; i++) {
        int64_t start_ns = r->hour[i].start_ns;

        r->whole[i] = is_whole(r, start_ns);
        r->to->hours += r->whole[i];
        if (r->whole[i] && r->to->hours_ns == NO_TIME)
            r->to->hours_ns = start_ns;
        r->to->cut_hours +=
            !r->whole[i] && start_ns < r->window.to_ns && start_ns + HOUR_NS > r->window.from_ns;
        if (!r->whole[i])
            continue;
        st = recording_usage(r->recording, &r->hour[i], &usage, err);
        for (size_t row = 0; row < usage.count && st == STATUS_OK; row++)
            st = add_row(r, &usage, row, start_ns, err);
    }
    usage_release(&usage);
    return st;
}

/* --- rollups --- */

/* The number of the added hour that the time lies in; SIZE_MAX: none. */
static size_t whole_hour(const struct reading *r, int64_t window_ns)
{
    size_t low = 0, high = r->hour_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (r->hour[middle].start_ns + HOUR_NS <= window_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->hour_count && r->hour[low].start_ns <= window_ns && r->whole[low] ? low
                                                                                      : SIZE_MAX;
}

/* Whether a window of a level is the one to read: inside what was asked for, and the finest. */
static bool wanted(const struct reading *r, unsigned level, int64_t window_ns)
{
    int64_t end_ns = window_ns + level_seconds[level] * SECOND_NS;
    int64_t limit_ns = r->to->until_ns;

    if (level == 2 && r->minutes_ns < limit_ns)
        limit_ns = r->minutes_ns;
    if (window_ns < r->window.from_ns || end_ns > r->window.to_ns || end_ns > limit_ns)
        return false;
    return !r->by_name || whole_hour(r, window_ns) != SIZE_MAX;
}

/* One window of one process. */
struct sample {
    int64_t process_id, window_ns;
    uint32_t group;
    bool selected;
};

static enum status find_sample_group(struct reading *r, unsigned level, struct sample *s,
                                     struct error *err)
{
    int64_t end_ns = s->window_ns + level_seconds[level] * SECOND_NS;
    const struct process *p = NULL;
    const struct version *v = NULL;
    struct group *group;

    s->selected = true;
    s->group = 0;
    if (r->a->by != BY_PROCESS || !select_all(r->a->select)) {
        if (recording_process(r->recording, NULL, s->process_id, &p, err) != STATUS_OK)
            return err->status;
        v = process_version_at(p, end_ns);
        s->selected = select_match(r->a->select, r->recording, p, v);
    }
    if (!s->selected)
        return STATUS_OK;
    if (groups_find(&r->a->groups, s->process_id, p, v, &s->group, err) != STATUS_OK)
        return err->status;
    group = &r->a->groups.group[s->group];
    if (r->a->by != BY_PROCESS)
        group->coarse = COARSE_SUMS; /* not when its members ran together, nor for how long */
    else
        group->coarse = COARSE_WINDOWS;
    if (end_ns > group->last_ns) {
        group->last_ns = end_ns;
        group->block = NULL;
    }
    return r->a->want_members ? groups_count(&r->a->groups, s->group, s->process_id, err)
                              : STATUS_OK;
}

static enum status tell_window(struct reading *r, enum measure m, unsigned level,
                               const struct sample *s, const struct rollup_cell *cell,
                               struct error *err)
{
    bool gauge = m >= MEASURE_RESIDENT;
    struct trace_item item = { .what = TRACE_WINDOW,
                               .which = m,
                               .process_id = s->process_id,
                               .from_ns = s->window_ns,
                               .to_ns = s->window_ns + level_seconds[level] * SECOND_NS,
                               .value = gauge ? cell->max : cell->last,
                               .increase = gauge ? 0 : cell->increase,
                               .dt_ns = cell->covered_ns,
                               .covered_ns = cell->covered_ns,
                               .rate = gauge ? 0 : cell->rate_max,
                               .sum = gauge ? cell->sum : 0 };

    return r->a->trace->take(r->a->trace, &item, err);
}

static void add_cell(struct reading *r, enum measure m, const struct sample *s,
                     const struct rollup_cell *cell)
{
    struct total *total = groups_total(&r->a->groups, s->group, r->a->slot[m]);
    bool gauge = m >= MEASURE_RESIDENT;
    size_t hour = whole_hour(r, s->window_ns);

    if (!cell->present)
        return;
    if (!gauge && hour != SIZE_MAX) { /* usage has told of it, under a name */
        if (!s->selected)
            return;
        if (r->named)
            r->to->increase[m] = wrap_subtract(r->to->increase[m], cell->increase);
        else
            groups_total(&r->a->groups, 0, r->a->slot[m])->increase -= cell->increase;
    }
    if (!s->selected && m != MEASURE_CPU)
        return;
    if (gauge) {
        if (!total->present || cell->max > total->max)
            total->max = cell->max;
        total->sum = (int128)((uint128)total->sum + (uint128)cell->sum);
        total->weight_ns = wrap_add(total->weight_ns, cell->covered_ns);
    } else {
        total->increase = wrap_add(total->increase, cell->increase);
        total->covered_ns = wrap_add(total->covered_ns, cell->covered_ns);
        if (cell->rate_max > total->max)
            total->max = cell->rate_max;
    }
    total->present = true;
    total->timed |= cell->covered_ns > 0;
}

static enum status add_metric(struct reading *r, enum measure m, unsigned level,
                              const struct block_table *d, struct error *err)
{
    unsigned position = (unsigned)r->a->position[m];
    unsigned first = d->shape->first_column[position];
    enum metric_kind kind = (enum metric_kind)d->shape->column[first].kind;

    for (unsigned q = 0; q < metric_part_count(kind); q++)
        if (recording_column(r->recording, d, first + q, series_all, &r->column[q], err) !=
            STATUS_OK)
            return err->status;
    for (size_t i = 0; i < d->series_count; i++)
        for (uint32_t k = 0; k < d->series[i].count; k++) {
            uint32_t w = d->series[i].first + k;
            size_t row = d->row[i] + k;
            struct sample s = { .process_id = d->series[i].key[0], .window_ns = d->tick_ns[w] };
            struct rollup_cell cell = { 0 };
            int64_t part[PART_COUNT], before;

            if (!wanted(r, level, s.window_ns))
                continue;
            if (find_sample_group(r, level, &s, err) != STATUS_OK)
                return err->status;
            cell.present =
                r->column[0].missing == NULL || r->column[0].missing[row] == MISSING_NONE;
            before = k == 0 ? r->column[0].base[i] : r->column[0].value[row - 1];
            for (unsigned q = 0; q < metric_part_count(kind); q++)
                part[q] = r->column[q].value[row];
            if (cell.present)
                rollup_cell_from_parts(kind, part,
                                       d->covered_ns[(size_t)w * d->shape->metric_count + position],
                                       before, &cell);
            cell.present =
                r->column[0].missing == NULL || r->column[0].missing[row] == MISSING_NONE;
            if (cell.present && s.selected && trace_wants(r->a->trace, &r->a->groups, s.group) &&
                tell_window(r, m, level, &s, &cell, err) != STATUS_OK)
                return err->status;
            add_cell(r, m, &s, &cell);
        }
    return STATUS_OK;
}

/* The windows of one block that are read: what they cover, and which hours they tell of. */
static bool count_windows(struct reading *r, unsigned level, const struct block_table *d)
{
    bool any = false;

    for (uint32_t w = 0; w < d->tick_count; w++) {
        size_t hour = whole_hour(r, d->tick_ns[w]);

        if (!wanted(r, level, d->tick_ns[w]))
            continue;
        any = true;
        r->to->windows++;
        r->to->covered_ns =
            wrap_add(r->to->covered_ns, d->covered_ns[(size_t)w * d->shape->metric_count]);
        if (hour != SIZE_MAX)
            r->seen[hour] = true;
    }
    return any;
}

struct host_level {
    const struct reading *r;
    unsigned level;
};

static bool host_wants(void *self, enum host_part part, int64_t window_ns)
{
    const struct host_level *host = self;

    (void)part;
    return wanted(host->r, host->level, window_ns);
}

static enum status add_block(struct reading *r, unsigned level, const struct recording_block *block,
                             struct error *err)
{
    struct block_ticks ticks;
    struct host_level host = { r, level };
    const struct host_windows windows = { host_wants, &host };
    struct block_table d = { 0 };
    bool any = false;
    enum status st = recording_ticks(r->recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    st = recording_directory(r->recording, block, r->a->block.table, &ticks, &d, err);
    if (st == STATUS_OK)
        any = count_windows(r, level, &d);
    for (int m = 0; m < MEASURE_COUNT && st == STATUS_OK && any && !r->by_name; m++)
        if (r->a->want[m] && r->a->position[m] != SIZE_MAX)
            st = add_metric(r, (enum measure)m, level, &d, err);
    if (st == STATUS_OK && any)
        st = host_total_rollup(r->host, block, &ticks, &windows, err);
    block_table_release(&d);
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

static enum status read_rollups(struct reading *r, struct error *err)
{
    const struct recording_contents *c = r->contents;

    r->minutes_ns = INT64_MAX;
    if (c->block_count[1] > 0)
        r->minutes_ns = c->blocks[1][0].start_ns / HOUR_NS * HOUR_NS;
    for (unsigned level = LEVEL_COUNT - 1; level > 0; level--)
        for (size_t b = 0; b < c->block_count[level]; b++) {
            const struct recording_block *block = &c->blocks[level][b];

            if (block->end_ns <= r->window.from_ns || block->start_ns >= r->window.to_ns ||
                block->start_ns >= r->to->until_ns)
                continue;
            if (add_block(r, level, block, err) != STATUS_OK)
                return err->status;
        }
    return STATUS_OK;
}

enum status evicted_read(struct evicted *evicted, const struct subject *subject,
                         struct aggregate *aggregate, struct host_total *host, struct error *err)
{
    struct reading r = { .to = evicted,
                         .a = aggregate,
                         .host = host,
                         .recording = subject->recording,
                         .contents = subject->contents,
                         .window = subject->window,
                         .named = select_by_name(aggregate->select) };
    enum status st;

    *evicted = (struct evicted){ .until_ns = samples_begin(subject->contents),
                                 .hours_ns = NO_TIME,
                                 .host_known = true,
                                 .named = r.named };
    r.by_name = r.named && (aggregate->by == BY_COMM || aggregate->by == BY_USER);
    evicted->by_name = r.by_name;
    evicted->any = evicted->until_ns != NO_TIME && r.window.from_ns < evicted->until_ns - 1 &&
                   evicted_since(subject->recording) != NO_TIME;
    if (!evicted->any)
        return STATUS_OK;
    st = read_usage(&r, err);
    if (st == STATUS_OK)
        st = read_rollups(&r, err);
    for (size_t i = 0; i < r.hour_count && st == STATUS_OK; i++)
        evicted->host_known &= !r.whole[i] || r.seen[i];
    free(r.hour);
    free(r.whole);
    free(r.seen);
    for (size_t q = 0; q < PART_COUNT; q++)
        block_column_release(&r.column[q]);
    return st;
}
