/*
 * Reads a window: what rollups tell, the samples of the rest, then the short lives of blocks that are told
 * of, unless none can be among the rows to show; at last, of those rows, what only samples tell.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate_told.h"
#include "analyzer/progress.h"
#include "analyzer/report.h"

/* --- what is needed --- */

void report_want(struct report *r)
{
    struct aggregate *a = &r->aggregate;

    for (size_t i = 0; i <= r->column_count; i++) {
        const struct report_column *c = i < r->column_count && !r->devices ? r->column[i] : r->sort;

        a->want_members |= c->fact == FACT_PROCESSES;
        r->gpu.want_memory |= c->fact == FACT_GPU_MEMORY_MAX;
        r->gpu.want_time |= c->fact == FACT_GPU_SECONDS || c->fact == FACT_GPU_PERCENT_MEAN;
        r->gpu.want_energy |= (c->fact >= FACT_GPU_WATTS_MEAN && c->fact <= FACT_GPU_JOULES) ||
                              c->fact == FACT_ENERGY_METHOD;
        r->package.want_energy |= c->fact >= FACT_CPU_WATTS_MEAN && c->fact <= FACT_ENERGY_METHOD;
        a->want[MEASURE_TASK_ENERGY] |= r->package.want_energy;
        a->want_names |= report_column_names(c);
        if (!report_column_measured(c))
            continue;
        a->want[c->which] = true;
        a->want_mean[c->which] |= c->fact == FACT_MEAN;
        a->want_p95 |= c->fact == FACT_PERCENT_P95;
        a->want_in_gaps |= c->fact == FACT_IN_GAPS;
        if (c->fact == FACT_SWITCHES)
            a->want[MEASURE_SWITCHES_INVOLUNTARY] = true;
    }
}

/* What only samples tell, and is not what rows are sorted by, is read later, of the rows to show. */
static bool put_off(struct report *r)
{
    struct aggregate *a = &r->aggregate;
    bool late = a->want_p95 || a->want_in_gaps;

    if (r->samples || a->by != BY_PROCESS || !late || r->sort->fact == FACT_PERCENT_P95 ||
        r->sort->fact == FACT_IN_GAPS)
        return false;
    r->late.want_p95 = a->want_p95;
    r->late.want_in_gaps = a->want_in_gaps;
    a->want_p95 = a->want_in_gaps = false;
    return true;
}

/* --- between blocks --- */

enum {
    HOLD_BLOCKS = 16,  /* read in one transaction */
    ROWS_OF_SHOWN = 8, /* with fewer of them for each row to show all are read at once */
};

struct progress {
    struct recording *recording;
    size_t done, all;
};

static void show_progress(struct progress *progress)
{
    struct error err; /* each read is a transaction of its own then */

    if (progress->done++ % HOLD_BLOCKS == 0) {
        recording_let_go(progress->recording);
        (void)!recording_hold(progress->recording, &err);
    }
    progress_show(progress->done, progress->all);
}

/* --- samples --- */

/* All of its ticks do. */
static bool lies_in(const struct recording_block *block, const struct window *window)
{
    return !block->tail && block->start_ns > window->from_ns && block->end_ns <= window->to_ns;
}

static enum status read_block(struct report *r, const struct subject *subject, size_t number,
                              struct error *err)
{
    const struct recording_block *block = &subject->contents->blocks[0][number];
    bool told = r->told.level != NULL && r->told.level[number] != 0;
    enum host_part parts = !told ? HOST_ALL : r->told.rough[number] ? HOST_PROGRAM : 0;
    struct block_ticks ticks;
    enum status st;

    if (told && parts == 0 && r->told.even[number] && lies_in(block, &subject->window)) {
        coverage_even_block(&r->coverage, block, &subject->window);
        return STATUS_OK;
    }
    st = recording_ticks(subject->recording, block, &ticks, err);
    if (st != STATUS_OK)
        return st;
    coverage_block(&r->coverage, subject->contents, block, &ticks, &subject->window);
    if (!told)
        st = aggregate_block(&r->aggregate, block, &ticks, err);
    if (st == STATUS_OK)
        st = host_total_block(&r->host, block, &ticks, parts, err);
    block_ticks_release(&ticks);
    return st;
}

static bool is_in(const struct recording_block *block, const struct window *window)
{
    return block->end_ns > window->from_ns && block->start_ns <= window->to_ns;
}

static enum status read_blocks(struct report *r, const struct subject *subject,
                               struct progress *progress, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    enum status st = STATUS_OK;

    for (size_t b = 0; b < c->block_count[0] && st == STATUS_OK; b++) {
        if (!is_in(&c->blocks[0][b], &subject->window))
            continue;
        st = read_block(r, subject, b, err);
        show_progress(progress);
    }
    return st == STATUS_CORRUPT ? error_prefix(err, "after %zu good blocks",
                                               progress->done == 0 ? 0 : progress->done - 1)
                                : st;
}

/* --- what is told --- */

struct told_windows {
    const struct told *told;
    const struct recording_block *rollup;
};

static bool host_wants(void *self, enum host_part part, int64_t window_ns)
{
    const struct told_windows *w = self;
    const struct told_span *span = told_by(w->told, w->rollup, window_ns);

    return span != NULL && !(part == HOST_PROGRAM && span->rough);
}

static enum status read_rollup(struct report *r, const struct subject *subject,
                               const struct recording_block *rollup, struct error *err)
{
    struct told_windows self = { &r->told, rollup };
    const struct host_windows windows = { host_wants, &self };
    struct block_ticks ticks;
    enum status st;

    if (aggregate_windows(&r->aggregate, rollup, &r->told, err) != STATUS_OK ||
        recording_ticks(subject->recording, rollup, &ticks, err) != STATUS_OK)
        return err->status;
    st = host_total_rollup(&r->host, rollup, &ticks, &windows, err);
    block_ticks_release(&ticks);
    return st;
}

/* Some window of the block is told of. */
static bool is_wanted(const struct told *told, const struct recording_block *rollup)
{
    for (size_t i = 0; i < told->span_count; i++)
        if (told->span[i].level == rollup->level && told->span[i].session == rollup->session &&
            told->span[i].from_ns < rollup->end_ns && told->span[i].to_ns > rollup->start_ns)
            return true;
    return false;
}

/* shown: NULL, or what was put off of them, of these processes. */
static enum status read_rollups(struct report *r, const struct subject *subject,
                                const struct aggregate_shown *shown, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    enum status st = STATUS_OK;

    for (unsigned level = LEVEL_COUNT - 1; level > 0; level--)
        for (size_t b = 0; b < c->block_count[level] && st == STATUS_OK; b++) {
            const struct recording_block *rollup = &c->blocks[level][b];

            if (!is_wanted(&r->told, rollup))
                continue;
            st = shown == NULL ? read_rollup(r, subject, rollup, err)
                               : aggregate_windows_of(&r->aggregate, rollup, &r->told, shown, err);
        }
    return st;
}

/* Of the many processes in rollups figures but that which rows are sorted by are read of few rows only. */
static void put_off_figures(struct report *r, const struct subject *subject)
{
    const struct report_column *c = r->sort;
    bool measured = report_column_measured(c);

    if (r->whole || r->top == 0 ||
        r->top >= recording_process_rows(subject->recording) / ROWS_OF_SHOWN)
        return;
    for (int m = 0; m < MEASURE_COUNT; m++)
        r->aggregate.put_off[m] = !measured || c->fact == FACT_INCREASE || (int)c->which != m;
    if (measured && c->which != MEASURE_CPU)
        r->aggregate.put_off[c->which] = false;
    if (report_column_energy(c)) /* on a Mac its figure is that */
        r->aggregate.put_off[MEASURE_TASK_ENERGY] = false;
    if (measured && c->fact == FACT_SWITCHES)
        r->aggregate.put_off[MEASURE_SWITCHES_INVOLUNTARY] = false;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The processes of rows to show, ascending. owns: free(*ids) */
static enum status find_shown(const struct report *r, int64_t **ids, size_t *count,
                              struct error *err)
{
    *count = r->top < r->ranked_count ? r->top : r->ranked_count;
    *ids = malloc((*count + 1) * sizeof **ids);
    if (*ids == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu rows", *count);
    for (size_t i = 0; i < *count; i++)
        (*ids)[i] = r->ranked[i].process_id;
    qsort(*ids, *count, sizeof **ids, by_id);
    return STATUS_OK;
}

static enum status read_figures(struct report *r, const struct subject *subject, struct error *err)
{
    struct aggregate_shown shown;
    int64_t *ids;
    bool any = false;
    enum status st;

    for (int m = 0; m < MEASURE_COUNT; m++)
        any |= r->aggregate.put_off[m];
    if (!any)
        return STATUS_OK;
    st = find_shown(r, &ids, &shown.count, err);
    shown.process_id = ids;
    if (st == STATUS_OK)
        st = read_rollups(r, subject, &shown, err);
    free(ids);
    return st;
}

/* --- short lives --- */

/* What the figure that rows are sorted by can be at most of a life of the block. */
static double most_of(const struct report *r, const struct block_sums *sums)
{
    const struct aggregate *a = &r->aggregate;
    const struct report_column *c = r->sort;
    size_t position = report_column_measured(c) ? a->position[c->which] : SIZE_MAX;

    if (position == SIZE_MAX || r->ascending)
        return __builtin_inf();
    if (c->fact == FACT_INCREASE || c->fact == FACT_MAX)
        return (double)sums->bound[position] * (double)a->scale[c->which];
    if (c->fact == FACT_PERCENT_MAX)
        return (double)sums->cpu_rate_bound * (double)a->scale[c->which];
    return __builtin_inf();
}

/* What a row must have to be shown, as far as is known; less than anything while all are. */
static enum status find_least(struct report *r, const struct subject *subject, double *least,
                              struct error *err)
{
    const struct ranked *last;

    *least = -__builtin_inf();
    if (report_rank(r, subject, err) != STATUS_OK)
        return err->status;
    if (r->top == 0 || r->top > r->ranked_count)
        return STATUS_OK;
    last = &r->ranked[r->top - 1];
    if (last->key.missing || last->type == OUTPUT_TEXT)
        return STATUS_OK;
    *least = last->type == OUTPUT_REAL ? last->key.real : (double)last->key.integer;
    return STATUS_OK;
}

/* any: of some block they were added to the rows. */
static enum status read_lives(struct report *r, const struct subject *subject,
                              struct progress *progress, bool *any, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    struct block_sums sums;
    double least;

    if (find_least(r, subject, &least, err) != STATUS_OK)
        return err->status;
    for (size_t b = 0; b < c->block_count[0]; b++) {
        if (r->told.level[b] == 0 ||
            !recording_block_sums(subject->recording, &c->blocks[0][b], &sums))
            continue;
        aggregate_falls(&r->aggregate, &sums);
        if (c->blocks[0][b].lifetime_count == 0)
            continue;
        if (most_of(r, &sums) < least) {
            aggregate_lives_unseen(&r->aggregate, &c->blocks[0][b], &sums);
            continue;
        }
        *any = true;
        if (aggregate_lives(&r->aggregate, &c->blocks[0][b], err) != STATUS_OK)
            return err->status;
        show_progress(progress);
    }
    return STATUS_OK;
}

/* --- what only samples tell --- */

/* The rows to show, unless these are all. */
static enum status choose(struct report *r, int64_t **only, struct error *err)
{
    *only = NULL;
    if (r->top >= r->ranked_count && r->aggregate.unseen == 0)
        return STATUS_OK;
    if (find_shown(r, only, &r->late.only_count, err) != STATUS_OK)
        return err->status;
    r->late.only = *only;
    return STATUS_OK;
}

static enum status link_late(struct report *r, struct error *err)
{
    struct groups *groups = &r->aggregate.groups;

    r->aggregate.late = &r->late;
    for (size_t i = 1; i < r->late.groups.count; i++) {
        uint32_t number;

        if (groups_find(groups, r->late.groups.group[i].process_id, NULL, NULL, &number, err) !=
            STATUS_OK)
            return err->status;
        groups->group[number].late = (uint32_t)i;
    }
    return STATUS_OK;
}

static enum status read_late(struct report *r, const struct subject *subject,
                             struct progress *progress, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    int64_t *only;
    enum status st = choose(r, &only, err);

    r->late.select = r->aggregate.select;
    if (st == STATUS_OK)
        st = aggregate_begin(&r->late, subject->recording, &subject->window, err);
    for (size_t b = 0; b < c->block_count[0] && st == STATUS_OK; b++) {
        struct block_ticks ticks;

        if (!is_in(&c->blocks[0][b], &subject->window))
            continue;
        st = recording_ticks(subject->recording, &c->blocks[0][b], &ticks, err);
        if (st != STATUS_OK)
            break;
        st = aggregate_block(&r->late, &c->blocks[0][b], &ticks, err);
        block_ticks_release(&ticks);
        show_progress(progress);
    }
    if (st == STATUS_OK)
        st = link_late(r, err);
    r->late.only = NULL;
    free(only);
    return st;
}

/* --- energy --- */

/* After the groups are known: those without samples in the window may come to them. */
static enum status read_energy(struct report *r, const struct subject *subject,
                               struct attribution *a, const struct attribution_source *source,
                               const struct attribution **result, struct error *err)
{
    a->source = source;
    if (!attribution_wanted(a))
        return STATUS_OK;
    a->groups = r->devices ? NULL : &r->aggregate.groups;
    a->select = r->aggregate.select;
    a->known_only = r->aggregate.unseen > 0;
    a->want_members = r->aggregate.want_members;
    *result = a;
    return attribution_read(a, subject->recording, &subject->window, err);
}

static enum status read_energies(struct report *r, const struct subject *subject, struct error *err)
{
    if (read_energy(r, subject, &r->gpu, &attribution_gpu, &r->aggregate.gpu, err) != STATUS_OK)
        return err->status;
    return read_energy(r, subject, &r->package, &attribution_cpu, &r->aggregate.package, err);
}

/* --- all of it --- */

/* Nothing has come to the rows since read_lives put them in order, nor to what they are sorted by. */
static bool is_ranked(const struct report *r, bool lives)
{
    return r->ranked != NULL && !lives && r->ranked_count + 1 == r->aggregate.groups.count &&
           report_column_measured(r->sort);
}

static enum status read_window(struct report *r, const struct subject *subject,
                               struct progress *progress, struct error *err)
{
    bool late = put_off(r), lives = false;

    if (aggregate_begin(&r->aggregate, subject->recording, &subject->window, err) != STATUS_OK)
        return err->status;
    put_off_figures(r, subject);
    host_total_begin(&r->host, subject->recording, &subject->window);
    if (!r->samples && aggregate_tellable(&r->aggregate) &&
        told_find(&r->told, subject->recording, &subject->window, err) != STATUS_OK)
        return err->status;
    if (read_blocks(r, subject, progress, err) != STATUS_OK ||
        read_rollups(r, subject, NULL, err) != STATUS_OK ||
        evicted_read(&r->evicted, subject, &r->aggregate, &r->host, err) != STATUS_OK)
        return err->status;
    if (r->told.span_count > 0 && read_lives(r, subject, progress, &lives, err) != STATUS_OK)
        return err->status;
    if (read_energies(r, subject, err) != STATUS_OK)
        return err->status;
    if (!is_ranked(r, lives) && report_rank(r, subject, err) != STATUS_OK)
        return err->status;
    if (read_figures(r, subject, err) != STATUS_OK)
        return err->status;
    return late ? read_late(r, subject, progress, err) : STATUS_OK;
}

enum status report_read(struct report *r, const struct subject *subject, struct error *err)
{
    struct progress progress = { .recording = subject->recording,
                                 .all = subject->contents->block_count[0] };
    enum status st = recording_hold(subject->recording, err);

    if (st == STATUS_OK)
        st = read_window(r, subject, &progress, err);
    recording_let_go(subject->recording);
    progress_clear();
    if (st != STATUS_OK)
        return st;
    r->coverage.ticks_ns = wrap_add(r->coverage.ticks_ns, r->evicted.covered_ns);
    r->coverage.covered_ns = wrap_add(r->coverage.covered_ns, r->evicted.covered_ns);
    host_total_end(&r->host, r->coverage.ticks_ns);
    r->host.known &= r->evicted.host_known;
    return STATUS_OK;
}

void report_release(struct report *r)
{
    aggregate_release(&r->aggregate);
    aggregate_release(&r->late);
    attribution_release(&r->gpu);
    attribution_release(&r->package);
    host_total_release(&r->host);
    told_release(&r->told);
    free(r->ranked);
}
