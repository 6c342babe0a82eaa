/* Walks the blocks of a window once, column by column, series by series. */
#include "analyzer/aggregate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/carry.h"
#include "analyzer/host_total.h"
#include "analyzer/rate.h"
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
    "resident_bytes",
    "threads",
    "swap_bytes",
};

/* What a group does at one tick: summed over its members before it counts. */
struct tick_sum {
    int64_t value; /* CPU: rate; gauge: value */
    int64_t dt_ns;
    bool present;
};

/* Measures that must be summed per tick: their place in a matrix row. */
static const enum measure combined[] = { MEASURE_CPU, MEASURE_RESIDENT, MEASURE_THREADS,
                                         MEASURE_SWAP };

struct walking {
    struct aggregate *a;
    struct recording *rec;
    const struct recording_block *block;
    const struct recording_table *table;
    struct block_table directory;
    struct block_column column;
    const struct window *window;
    struct carry carry; /* CPU time at the end of the session before the block's */
    size_t touched; /* groups with a matrix row in this block */
};

static bool is_gauge(enum measure m)
{
    return m >= MEASURE_RESIDENT;
}

/* --- groups --- */

static uint64_t hash_of(int64_t process_id, const struct text *key)
{
    uint64_t h = (uint64_t)process_id * 0x9e3779b97f4a7c15u + 1;

    for (uint32_t i = 0; key != NULL && i < key->size; i++)
        h = (h ^ (uint8_t)key->data[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static bool same(const struct group *g, int64_t process_id, const struct text *key)
{
    if (key == NULL)
        return g->process_id == process_id;
    return g->key.size == key->size &&
           (key->size == 0 || memcmp(g->key.data, key->data, key->size) == 0);
}

static uint32_t *find(struct aggregate *a, int64_t process_id, const struct text *key)
{
    size_t at = (size_t)hash_of(process_id, key) & (a->hash_size - 1);

    while (a->hash[at] != 0 && !same(&a->groups[a->hash[at] - 1], process_id, key))
        at = (at + 1) & (a->hash_size - 1);
    return &a->hash[at];
}

static enum status grow_hash(struct aggregate *a, struct error *err)
{
    size_t size = a->hash_size == 0 ? 1024 : a->hash_size * 4;
    uint32_t *hash = calloc(size, sizeof *hash);

    if (hash == NULL)
        return error_set(err, STATUS_NO_MEMORY, "groups");
    free(a->hash);
    a->hash = hash;
    a->hash_size = size;
    for (size_t i = 0; i < a->group_count; i++) {
        const struct group *g = &a->groups[i];

        *find(a, g->process_id, a->by == BY_PROCESS ? NULL : &g->key) = (uint32_t)i + 1;
    }
    return STATUS_OK;
}

/* A user whose name the host did not know is called by its number, in `number`. */
static struct text key_of(const struct walking *w, const struct version *v, char number[16])
{
    static const struct text unknown = { "", 0 };
    enum group_by by = w->a->by;
    enum process_text which = by == BY_COMM ? PROCESS_COMM : by == BY_EXE ? PROCESS_EXE
                                                                          : PROCESS_USER;
    struct text user;

    if (v != NULL && v->text[which].data != NULL)
        return v->text[which];
    if (v == NULL || by != BY_USER || !v->uid_known)
        return unknown;
    user = recording_user(w->rec, v->uid);
    if (user.data != NULL)
        return user;
    return (struct text){ number, (uint32_t)snprintf(number, 16, "%u", v->uid) };
}

static enum status group_of(const struct walking *w, const struct process *p,
                            const struct version *v, struct group **group, struct error *err)
{
    struct aggregate *a = w->a;
    char number[16];
    struct text key = key_of(w, v, number);
    const struct text *by_text = a->by == BY_PROCESS ? NULL : &key;
    int64_t id = a->by == BY_PROCESS ? p->process_id : 0;
    uint32_t *slot;

    if ((a->group_count + 1) * 2 > a->hash_size && grow_hash(a, err) != STATUS_OK)
        return err->status;
    slot = find(a, id, by_text);
    if (*slot == 0) {
        if (a->group_count == a->group_size) {
            size_t more = a->group_size == 0 ? 64 : a->group_size * 2;
            struct group *larger = realloc(a->groups, more * sizeof *larger);

            if (larger == NULL)
                return error_set(err, STATUS_NO_MEMORY, "groups");
            a->groups = larger;
            a->group_size = more;
        }
        a->groups[a->group_count] = (struct group){ .process_id = id, .time_end_ns = INT64_MIN,
                                                    .last_ns = INT64_MIN };
        a->groups[a->group_count].total = calloc(MEASURE_COUNT, sizeof(struct total));
        if (a->groups[a->group_count].total == NULL)
            return error_set(err, STATUS_NO_MEMORY, "groups");
        if (by_text != NULL) {
            char *copy = malloc(key.size + 1);

            if (copy == NULL)
                return error_set(err, STATUS_NO_MEMORY, "groups");
            memcpy(copy, key.data, key.size);
            a->groups[a->group_count].key = (struct text){ copy, key.size };
            a->groups[a->group_count].owned_key = copy;
        }
        *slot = (uint32_t)++a->group_count;
    }
    *group = &a->groups[*slot - 1];
    return STATUS_OK;
}

void aggregate_release(struct aggregate *a)
{
    for (size_t i = 0; i < a->group_count; i++) {
        free(a->groups[i].total);
        free(a->groups[i].rates);
        free(a->groups[i].owned_key);
    }
    free(a->groups);
    free(a->hash);
    free(a->matrix);
    free(a->touched);
    *a = (struct aggregate){ 0 };
}

/* --- sums per tick --- */

/* The group's row in this block's matrix. */
static enum status matrix_row(struct walking *w, struct group *group, struct tick_sum **row,
                              struct error *err)
{
    struct aggregate *a = w->a;
    size_t width = w->directory.tick_count * COUNT_OF(combined);

    if (group->place == 0) {
        if ((w->touched + 1) * width > a->matrix_size) {
            size_t more = (w->touched + 1) * width * 2;
            struct tick_sum *larger = realloc(a->matrix, more * sizeof *larger);

            if (larger == NULL)
                return error_set(err, STATUS_NO_MEMORY, "%zu groups in one block", w->touched + 1);
            a->matrix = larger;
            a->matrix_size = more;
        }
        if (w->touched == a->touched_size) {
            size_t more = a->touched_size * 2 + 64;
            size_t *larger = realloc(a->touched, more * sizeof *larger);

            if (larger == NULL)
                return error_set(err, STATUS_NO_MEMORY, "groups");
            a->touched = larger;
            a->touched_size = more;
        }
        memset(a->matrix + w->touched * width, 0, width * sizeof *a->matrix);
        a->touched[w->touched++] = (size_t)(group - a->groups);
        group->place = w->touched;
    }
    *row = a->matrix + (group->place - 1) * width;
    return STATUS_OK;
}

static bool add_rate(struct group *group, int64_t rate, int64_t dt_ns)
{
    if (rate == 0) {
        group->idle_ns += dt_ns;
        return true;
    }
    if (group->rate_count == group->rate_size) {
        size_t more = group->rate_size == 0 ? 16 : group->rate_size * 2;
        struct rate_time *larger = realloc(group->rates, more * sizeof *larger);

        if (larger == NULL)
            return false;
        group->rates = larger;
        group->rate_size = more;
    }
    group->rates[group->rate_count++] = (struct rate_time){ rate, dt_ns };
    return true;
}

static bool count_cpu(struct aggregate *a, struct group *group, const struct tick_sum *sum,
                      int64_t at_ns)
{
    struct total *total = &group->total[MEASURE_CPU];
    int64_t dt_ns = sum->dt_ns;

    if (dt_ns == 0)
        return true;
    if (sum->value > total->rate_max)
        total->rate_max = sum->value;
    if (a->want_percentiles && !add_rate(group, sum->value, dt_ns))
        return false;
    if (group->time_end_ns != INT64_MIN && dt_ns > at_ns - group->time_end_ns)
        dt_ns = at_ns - group->time_end_ns;
    total->covered_ns += dt_ns;
    group->time_end_ns = at_ns;
    return true;
}

static void count_gauge(struct total *total, const struct tick_sum *sum)
{
    if (!total->present || sum->value > total->max)
        total->max = sum->value;
    total->present = true;
    total->sum += (int128)sum->value * sum->dt_ns;
    total->covered_ns += sum->dt_ns;
}

/* Let what the block's groups did at each tick count. */
static enum status end_rows(struct walking *w, struct error *err)
{
    struct aggregate *a = w->a;
    size_t ticks = w->directory.tick_count;

    for (size_t g = 0; g < w->touched; g++) {
        struct group *group = &a->groups[a->touched[g]];
        const struct tick_sum *row = a->matrix + g * ticks * COUNT_OF(combined);

        for (size_t i = 0; i < ticks; i++)
            if (!count_cpu(a, group, &row[i], w->directory.tick_ns[i]))
                return error_set(err, STATUS_NO_MEMORY, "rates");
        for (size_t c = 1; c < COUNT_OF(combined); c++)
            for (size_t i = 0; i < ticks; i++)
                if (row[c * ticks + i].present)
                    count_gauge(&group->total[combined[c]], &row[c * ticks + i]);
        group->place = 0;
    }
    w->touched = 0;
    return STATUS_OK;
}

/* --- samples --- */

static void add_counter(struct aggregate *a, struct group *group, enum measure m,
                        const struct interval *in)
{
    struct total *total = &group->total[m];

    total->present = true;
    if (!in->known)
        return;
    a->resets += in->reset;
    if (in->gap) {
        total->in_gaps += in->increase;
        return;
    }
    total->known = true;
    total->increase += in->increase;
}

static enum status add_interval(struct walking *w, struct group *group, enum measure m,
                                uint32_t tick, const struct interval *in, struct error *err)
{
    struct tick_sum *row = NULL;
    size_t c = 0;

    if (!is_gauge(m))
        add_counter(w->a, group, m, in);
    while (c < COUNT_OF(combined) && combined[c] != m)
        c++;
    if (c == COUNT_OF(combined))
        return STATUS_OK;
    if (matrix_row(w, group, &row, err) != STATUS_OK)
        return err->status;
    row += c * w->directory.tick_count + tick;
    row->value += m == MEASURE_CPU ? rollup_rate(in->increase, in->dt_ns) : in->value;
    row->dt_ns = in->dt_ns > row->dt_ns ? in->dt_ns : row->dt_ns;
    row->present = true;
    return STATUS_OK;
}

/* The version valid at a time, searched from the one valid before. */
static size_t advance_version(const struct process *p, size_t at, int64_t time_ns)
{
    while (at + 1 < p->version_count && p->versions[at + 1].from_ns <= time_ns)
        at++;
    return at;
}

/* The first sample of a session: what the process used since the one before was in a gap. */
static void cross_sessions(const struct walking *w, int64_t process_id, struct interval *in)
{
    const struct carried *before = carry_find(&w->carry, process_id);

    if (before == NULL || in->value < before->value)
        return;
    in->known = in->gap = true;
    in->increase = in->value - before->value;
}

static enum status walk_series(struct walking *w, enum measure m, size_t index,
                               const struct process *p, struct error *err)
{
    struct aggregate *a = w->a;
    struct rate_walk walk;
    struct interval in;
    struct group *group = NULL;
    size_t version = SIZE_MAX;

    rate_begin(&walk, &w->directory, &w->column, index);
    while (rate_next(&walk, &in)) {
        size_t valid = advance_version(p, version == SIZE_MAX ? 0 : version, in.at_ns);

        if (in.at_ns <= w->window->from_ns || in.at_ns > w->window->to_ns)
            continue;
        if (m == MEASURE_CPU && !in.known)
            cross_sessions(w, p->process_id, &in);
        if (m == MEASURE_CPU && in.known && !in.gap)
            a->all_cpu += in.increase;
        if (valid != version) {
            const struct version *v = p->version_count == 0 ? NULL : &p->versions[valid];

            version = valid;
            group = NULL;
            if (select_match(&a->select, w->rec, p, v) && group_of(w, p, v, &group, err) != STATUS_OK)
                return err->status;
        }
        if (group == NULL)
            continue;
        if (m == MEASURE_CPU && group->last_process_id != p->process_id) {
            group->last_process_id = p->process_id;
            group->process_count++;
        }
        if (in.at_ns > group->last_ns) {
            group->last_ns = in.at_ns;
            group->process = p;
            group->version = p->version_count == 0 ? NULL : &p->versions[version];
        }
        if (add_interval(w, group, m, w->directory.series[index].first + in.sample, &in, err) !=
            STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* At a session's first block, remember where the session before had ended. */
static enum status load_carry(struct walking *w, size_t b, struct error *err)
{
    size_t metric = recording_metric(w->table, measure_metric[MEASURE_CPU]);

    carry_release(&w->carry);
    if (b == 0 || w->block->previous_ns != NO_TIME || metric == SIZE_MAX)
        return STATUS_OK;
    return carry_load(&w->carry, w->rec, w->block - 1, w->table, metric, err);
}

static enum status walk_measure(struct walking *w, enum measure m, struct error *err)
{
    size_t position = recording_metric(w->table, measure_metric[m]);

    if (position == SIZE_MAX)
        return STATUS_OK;
    w->a->scale[m] = w->table->metrics[position].scale;
    if (recording_column(w->rec, &w->directory, w->directory.shape->first_column[position],
                         SIZE_MAX, &w->column, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < w->directory.series_count; i++) {
        const struct process *p;

        if (recording_process(w->rec, w->block, w->directory.series[i].key[0], &p, err) !=
                STATUS_OK ||
            walk_series(w, m, i, p, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status walk_block(struct walking *w, const struct block_ticks *ticks,
                              struct error *err)
{
    enum status st = recording_directory(w->rec, w->block, w->table, ticks, &w->directory, err);

    if (st == STATUS_ABSENT)
        return STATUS_OK;
    for (int m = 0; m < MEASURE_COUNT && st == STATUS_OK; m++)
        if (w->a->want[m])
            st = walk_measure(w, (enum measure)m, err);
    if (st == STATUS_OK)
        st = end_rows(w, err);
    block_table_release(&w->directory);
    return st;
}

/* Covered time and gaps by the ticks themselves. */
static void walk_ticks(struct aggregate *a, const struct recording_block *block,
                       const struct block_ticks *ticks, const struct window *window)
{
    int64_t before = block->previous_ns;

    for (uint32_t i = 0; i < ticks->count; i++) {
        int64_t at = ticks->start_ns[i];

        if (at > window->from_ns && at <= window->to_ns) {
            a->tick_count++;
            if (before != NO_TIME && ticks->gap[i]) {
                if (a->gap_count < COUNT_OF(a->gaps))
                    a->gaps[a->gap_count] = (struct gap_seen){ at, at - before };
                a->gap_count++;
            } else if (before != NO_TIME) {
                a->covered_ns += at - before;
            }
        }
        before = at;
    }
}

static void progress(size_t done, size_t all, bool *shown)
{
    static time_t begun;

    if (begun == 0)
        begun = time(NULL);
    if (time(NULL) - begun < 1 || !isatty(STDERR_FILENO))
        return;
    *shown = true;
    (void)fprintf(stderr, "\rreading block %zu of %zu ", done, all);
}

enum status aggregate_run(struct aggregate *a, struct subject *subject, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    struct walking w = { .a = a, .rec = subject->recording, .window = &subject->window,
                         .table = recording_table(subject->recording, "process_samples") };
    bool shown = false;
    enum status st = STATUS_OK;

    a->ticks_missed = a->ticks_dropped = a->exits_lost = -1;
    a->want[MEASURE_CPU] = true;
    a->recording = subject->recording;
    if (w.table == NULL)
        return error_set(err, STATUS_ABSENT, "%s holds no process_samples", c->path);
    for (size_t b = 0; b < c->block_count[0] && st == STATUS_OK; b++) {
        struct block_ticks ticks;

        w.block = &c->blocks[0][b];
        if (w.block->end_ns <= w.window->from_ns || w.block->start_ns > w.window->to_ns)
            continue;
        progress(b, c->block_count[0], &shown);
        st = recording_ticks(w.rec, w.block, &ticks, err);
        if (st != STATUS_OK)
            break;
        a->tail_blocks += w.block->tail;
        walk_ticks(a, w.block, &ticks, w.window);
        st = load_carry(&w, b, err);
        if (st == STATUS_OK)
            st = walk_block(&w, &ticks, err);
        if (st == STATUS_OK)
            st = host_total_block(a, w.rec, w.block, &ticks, w.window, err);
        block_ticks_release(&ticks);
    }
    if (shown)
        (void)fputs("\r\033[K", stderr);
    carry_release(&w.carry);
    block_column_release(&w.column);
    host_total_end(&a->host);
    return st;
}

static int by_rate(const void *a, const void *b)
{
    const struct rate_time *x = a, *y = b;

    return x->rate < y->rate ? -1 : x->rate > y->rate;
}

int64_t group_percentile(struct group *group, int percent)
{
    int128 all = group->idle_ns, below = group->idle_ns;

    for (size_t i = 0; i < group->rate_count; i++)
        all += group->rates[i].dt_ns;
    if (below * 100 >= all * percent)
        return 0;
    qsort(group->rates, group->rate_count, sizeof *group->rates, by_rate);
    for (size_t i = 0; i < group->rate_count; i++) {
        below += group->rates[i].dt_ns;
        if (below * 100 >= all * percent)
            return group->rates[i].rate;
    }
    return 0;
}
