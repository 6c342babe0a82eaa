/*
 * Reads the reports of both windows and of their parts, and matches rows by name. Every figure is a cell of
 * a report; here it is divided by covered time only.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/compare_private.h"
#include "analyzer/report_ask.h"

#define SECOND_NS 1e9
#define MINUTE_NS (INT64_C(60) * 1000000000)

enum {
    COLUMN_COVERED = COMPARE_METRICS, /* columns of the reports: the metrics', then these */
    COLUMN_PROCESSES,
    WHOLE_MINUTES_FROM =
        10, /* parts of that many minutes begin at whole ones, which rollups tell of */
};

static enum status read_report(struct report *r, const struct compare *c, size_t side,
                               const struct window *window, struct error *err)
{
    struct subject part = *c->asked[side];

    part.window = *window;
    part.whole = false;
    r->aggregate.select = c->select[side];
    r->aggregate.by = c->by;
    if (report_parse_sort(r, NULL, err) != STATUS_OK)
        return err->status;
    r->top = SIZE_MAX;
    r->whole = true;
    for (size_t m = 0; m < COMPARE_METRICS; m++)
        if (report_add_column(r, compare_metrics[m].column, err) != STATUS_OK)
            return err->status;
    if (report_add_column(r, "covered_seconds", err) != STATUS_OK ||
        report_add_column(r, "processes", err) != STATUS_OK)
        return err->status;
    report_want(r);
    return report_read(r, &part, err);
}

static double figure_of(const struct report *r, size_t column, uint32_t group)
{
    return report_column_number(r->column[column], &r->aggregate, group);
}

/* --- sides --- */

double compare_rails_seconds(const struct rails *rails)
{
    int64_t covered_ns = 0;

    for (size_t i = 0; i < rails->count; i++)
        covered_ns =
            rails->rail[i].covered_ns > covered_ns ? rails->rail[i].covered_ns : covered_ns;
    return (double)covered_ns / SECOND_NS;
}

/* The seconds that a rate of a metric is of. */
static double covered_of(const struct report *r, enum compare_metric metric)
{
    enum compare_per per = compare_metrics[metric].per;

    if (per == COMPARE_PER_CPU && r->package.rails.count > 0)
        return compare_rails_seconds(&r->package.rails);
    if (per == COMPARE_PER_GPU)
        return compare_rails_seconds(&r->gpu.rails);
    return (double)r->coverage.ticks_ns / SECOND_NS;
}

static double rate_of(const struct report *r, enum compare_metric metric, uint32_t group)
{
    double covered = covered_of(r, metric), figure = figure_of(r, metric, group);

    if (compare_metrics[metric].per == COMPARE_PER_HELD)
        figure *= figure_of(r, COLUMN_COVERED, group);
    return covered > 0 ? figure / covered : NAN;
}

static void know_metrics(struct compare_side *side)
{
    const struct report *r = side->report;

    for (size_t m = 0; m < COMPARE_METRICS; m++) {
        side->covered[m] = covered_of(r, (enum compare_metric)m);
        side->absent_is_zero[m] =
            (compare_metrics[m].per == COMPARE_PER_CPU && r->package.rails.count > 0) ||
            compare_metrics[m].per == COMPARE_PER_GPU || m == COMPARE_GPU;
        for (uint32_t i = 1; i < r->aggregate.groups.count && !side->known[m]; i++)
            side->known[m] = !isnan(rate_of(r, (enum compare_metric)m, i));
        if (side->absent_is_zero[m] && m != COMPARE_GPU) /* nobody used what is there */
            side->known[m] = side->covered[m] > 0;
    }
    side->covered_seconds = (double)r->coverage.ticks_ns / SECOND_NS;
}

/* From the first tick of the window to its last. */
static struct window find_span(const struct compare_side *side)
{
    const struct coverage *coverage = &side->report->coverage;
    struct window w = side->subject->window;

    if (w.from_ns < coverage->first_ns)
        w.from_ns = coverage->first_ns - 1;
    w.to_ns = w.to_ns < coverage->last_ns ? w.to_ns : coverage->last_ns;
    return w;
}

static int64_t find_length(const struct compare *c)
{
    int64_t shorter_ns = INT64_MAX, length_ns = 1;

    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        struct window w = find_span(&c->side[s]);
        int64_t ticks = (int64_t)c->side[s].report->coverage.tick_count;
        int64_t all_ns = compare_length(&w), least_ns = INT64_MAX;

        if (ticks >= COMPARE_PART_TICKS)
            least_ns = all_ns / ticks * COMPARE_PART_TICKS;
        shorter_ns = all_ns < shorter_ns ? all_ns : shorter_ns;
        length_ns = least_ns > length_ns ? least_ns : length_ns;
    }
    if (shorter_ns / COMPARE_PARTS_SHORT > length_ns)
        length_ns = shorter_ns / COMPARE_PARTS_SHORT;
    if (length_ns >= WHOLE_MINUTES_FROM * MINUTE_NS)
        length_ns -= length_ns % MINUTE_NS;
    return length_ns;
}

static void cut_side(struct compare_side *side, int64_t length_ns)
{
    struct window w = find_span(side);
    int64_t all_ns = compare_length(&w), count = all_ns / length_ns, free_ns = all_ns - length_ns;

    count = count < COMPARE_PARTS ? count : COMPARE_PARTS;
    for (int64_t i = 0; i < count && count >= COMPARE_PARTS_LEAST; i++) {
        int64_t from_ns = w.from_ns + free_ns / (count - 1) * i, end_ns;

        if (length_ns >= WHOLE_MINUTES_FROM * MINUTE_NS && from_ns % MINUTE_NS != 0)
            from_ns += MINUTE_NS - from_ns % MINUTE_NS;
        end_ns = from_ns + length_ns;
        side->part[i] = (struct window){ from_ns, end_ns < w.to_ns ? end_ns : w.to_ns };
        side->part_count = (size_t)count;
    }
}

void compare_cut(struct compare *c)
{
    int64_t length_ns = find_length(c);

    for (size_t s = 0; s < COMPARE_SIDES; s++)
        cut_side(&c->side[s], length_ns);
}

static enum status read_side(struct compare *c, size_t number, struct error *err)
{
    struct compare_side *side = &c->side[number];

    side->subject = c->asked[number];
    side->report = calloc(1, sizeof *side->report);
    if (side->report == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a report");
    if (read_report(side->report, c, number, &side->subject->window, err) != STATUS_OK)
        return err->status;
    if (side->report->coverage.tick_count == 0)
        return error_set(err, STATUS_ABSENT,
                         "no sample lies in window %c of %s; --a and --b name both, as "
                         "FROM..TO",
                         'A' + (int)number, side->subject->contents->path);
    know_metrics(side);
    compare_host_report(c, number, SIZE_MAX, side->report);
    return STATUS_OK;
}

/* --- programs --- */

int compare_names(const struct text *a, const struct text *b)
{
    size_t size = a->size < b->size ? a->size : b->size;
    int order = size == 0 ? 0 : memcmp(a->data, b->data, size);

    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static int by_name(const void *a, const void *b)
{
    return compare_names(&((const struct compare_program *)a)->name,
                         &((const struct compare_program *)b)->name);
}

/* NULL: neither side has it. */
static struct compare_program *find(const struct compare *c, const struct text *name)
{
    struct compare_program like = { .name = *name };

    return name->data == NULL ? NULL
                              : bsearch(&like, c->program, c->program_count, sizeof like, by_name);
}

/* Those of both sides, each once, by name. */
static enum status list_programs(struct compare *c, struct error *err)
{
    size_t count = 0, kept = 0;

    for (size_t s = 0; s < COMPARE_SIDES; s++)
        count += c->side[s].report->aggregate.groups.count;
    c->program = calloc(count + 1, sizeof *c->program);
    if (c->program == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu programs", count);
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        const struct groups *groups = &c->side[s].report->aggregate.groups;

        for (uint32_t i = 1; i < groups->count; i++)
            if (groups->group[i].key.data != NULL)
                c->program[c->program_count++].name = groups->group[i].key;
    }
    qsort(c->program, c->program_count, sizeof *c->program, by_name);
    for (size_t i = 0; i < c->program_count; i++)
        if (i == 0 || compare_names(&c->program[i].name, &c->program[kept - 1].name) != 0)
            c->program[kept++] = c->program[i];
    c->program_count = kept;
    return STATUS_OK;
}

/* Where samples are evicted, a program may have been there that has no row. */
static bool counts_as_zero(const struct compare_side *side, size_t metric, uint32_t group)
{
    return side->known[metric] && !side->report->evicted.any &&
           (group == 0 || side->absent_is_zero[metric]);
}

static void take_row(struct compare_program *program, const struct compare_side *side,
                     size_t number)
{
    uint32_t group = program->group[number];

    for (size_t m = 0; m < COMPARE_METRICS; m++) {
        struct compare_value *value = &program->of[m].side[number];
        double rate = rate_of(side->report, (enum compare_metric)m, group);

        value->figure = figure_of(side->report, m, group);
        value->rate = isnan(rate) && counts_as_zero(side, m, group) ? 0 : rate;
        value->known = !isnan(value->rate);
        value->covered_seconds = side->covered[m];
        for (size_t p = 0; p < COMPARE_PARTS; p++)
            value->part[p] = NAN;
    }
}

static void take_rows(struct compare *c)
{
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        const struct groups *groups = &c->side[s].report->aggregate.groups;

        for (uint32_t i = 1; i < groups->count; i++) {
            struct compare_program *program = find(c, &groups->group[i].key);

            if (program == NULL)
                continue;
            program->group[s] = i;
            program->processes[s] = groups->group[i].process_count;
        }
        for (size_t i = 0; i < c->program_count; i++)
            take_row(&c->program[i], &c->side[s], s);
    }
}

/* --- parts --- */

/* What is in no row of a part's report was not there: nothing was used. */
static void take_part(struct compare *c, size_t number, size_t part, const struct report *r)
{
    const struct compare_side *side = &c->side[number];
    const struct groups *groups = &r->aggregate.groups;

    for (size_t m = 0; m < COMPARE_METRICS; m++) {
        if (!side->known[m] || !(covered_of(r, (enum compare_metric)m) > 0))
            continue;
        for (size_t i = 0; i < c->program_count; i++)
            if (c->program[i].of[m].side[number].known && !r->evicted.any)
                c->program[i].of[m].side[number].part[part] = 0;
        for (uint32_t i = 1; i < groups->count; i++) {
            struct compare_program *program = find(c, &groups->group[i].key);
            double rate = rate_of(r, (enum compare_metric)m, i);

            if (program != NULL && program->of[m].side[number].known &&
                !(isnan(rate) && side->absent_is_zero[m]))
                program->of[m].side[number].part[part] = rate;
        }
    }
}

static enum status read_part(struct compare *c, size_t number, size_t part, struct error *err)
{
    struct compare_side *side = &c->side[number];
    double length = (double)compare_length(&side->part[part]) / SECOND_NS;
    struct report *r = calloc(1, sizeof *r);
    enum status st = r == NULL ? error_set(err, STATUS_NO_MEMORY, "a report") : STATUS_OK;

    if (st == STATUS_OK)
        st = read_report(r, c, number, &side->part[part], err);
    if (st == STATUS_OK && (double)r->coverage.ticks_ns / SECOND_NS >= length / 2) {
        side->part_seconds[part] = (double)r->coverage.ticks_ns / SECOND_NS;
        take_part(c, number, part, r);
        compare_host_report(c, number, part, r);
    }
    if (r != NULL)
        report_release(r);
    free(r);
    return st;
}

enum status compare_read(struct compare *c, struct error *err)
{
    for (size_t s = 0; s < COMPARE_SIDES; s++)
        if (read_side(c, s, err) != STATUS_OK)
            return err->status;
    compare_cut(c);
    if (list_programs(c, err) != STATUS_OK)
        return err->status;
    take_rows(c);
    for (size_t s = 0; s < COMPARE_SIDES; s++)
        for (size_t p = 0; p < c->side[s].part_count; p++)
            if (read_part(c, s, p, err) != STATUS_OK)
                return err->status;
    compare_find_whole(c);
    if (compare_host(c, err) != STATUS_OK)
        return err->status;
    compare_rank(c);
    return STATUS_OK;
}

void compare_release(struct compare *c)
{
    for (size_t s = 0; s < COMPARE_SIDES; s++) {
        if (c->side[s].report != NULL)
            report_release(c->side[s].report);
        free(c->side[s].report);
    }
    free(c->program);
}
