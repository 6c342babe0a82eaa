/*
 * The host on both sides: what reports tell of it beside its processes, and what timelines do. Thus a reader
 * sees whether all of it changed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/compare_private.h"
#include "analyzer/explain_figure.h"
#include "analyzer/timeline.h"

#define SECOND_NS 1e9

/* --- from reports --- */

enum from_report { BUSY, NOT_ATTRIBUTED, CPU_POWER, GPU_POWER, FROM_REPORT };

static const struct compare_host_figure reported[FROM_REPORT] = {
    [BUSY] = { .name = "busy",
               .title = "busy cores",
               .unit = "cores",
               .source = "report",
               .figure = "total - idle - stolen: cpu_seconds",
               .human = 1,
               .least = 0.05 },
    [NOT_ATTRIBUTED] = { .name = "not_attributed",
                         .title = "of them no process's",
                         .unit = "cores",
                         .source = "report",
                         .figure = "not_attributed: cpu_seconds",
                         .human = 1,
                         .least = 0.05 },
    [CPU_POWER] = { .name = "cpu_power",
                    .title = "CPU packages",
                    .unit = "W",
                    .source = "report",
                    .figure = "total: cpu_energy_joules",
                    .human = 1,
                    .least = 0.5 },
    [GPU_POWER] = { .name = "gpu_power",
                    .title = "GPUs",
                    .unit = "W",
                    .source = "report",
                    .figure = "total: gpu_energy_joules",
                    .human = 1,
                    .least = 0.5 },
};

static double rails_joules(const struct rails *rails)
{
    double joules = 0;

    for (size_t i = 0; i < rails->count; i++)
        joules += (double)rails->rail[i].uj / 1e6;
    return joules;
}

/* A figure of the host, and the seconds that it is of; 0: it has none. */
static double host_figure(const struct report *r, enum from_report which, double *seconds)
{
    const struct host_total *host = &r->host;
    double us = (double)host->busy_us;

    if (which == CPU_POWER || which == GPU_POWER) {
        const struct rails *rails = which == CPU_POWER ? &r->package.rails : &r->gpu.rails;

        *seconds = compare_rails_seconds(rails);
        return rails_joules(rails);
    }
    *seconds = host->known ? (double)r->coverage.ticks_ns / SECOND_NS : 0;
    if (which == NOT_ATTRIBUTED)
        us -= (double)((aggregate_all_cpu(&r->aggregate) + r->evicted.increase[MEASURE_CPU]) *
                       r->aggregate.scale[MEASURE_CPU]) /
              1e3;
    return us / 1e6;
}

static void begin_value(struct compare_value *value)
{
    value->rate = value->figure = value->covered_seconds = NAN;
    for (size_t p = 0; p < COMPARE_PARTS; p++)
        value->part[p] = NAN;
}

void compare_host_report(struct compare *c, size_t side, size_t part, const struct report *r)
{
    for (size_t i = 0; i < FROM_REPORT; i++) {
        double seconds, figure = host_figure(r, (enum from_report)i, &seconds);
        struct compare_value *value = &c->host[i].change.side[side];
        double rate = seconds > 0 ? figure / seconds : NAN;

        if (part != SIZE_MAX) {
            value->part[part] = rate;
            continue;
        }
        if (c->host_count < FROM_REPORT)
            c->host[c->host_count++] = reported[i];
        begin_value(value);
        value->known = !isnan(rate);
        if (!value->known)
            continue;
        value->figure = figure;
        value->rate = rate;
        value->covered_seconds = seconds;
    }
}

/* --- from timelines --- */

static const char *const tables[] = { "pressure_samples", "memory_samples" };

/* What explain watches of the whole host there, but what hardly ever happens. */
static bool is_watched(const struct explain_figure *g, const char *table)
{
    return strcmp(g->table, table) == 0 && g->role == EXPLAIN_SYMPTOM &&
           (g->form == EXPLAIN_RATE || g->form == EXPLAIN_MISSING) &&
           strcmp(g->metric[0], "oom_kills_total") != 0;
}

enum { BUCKETS = 2 * COMPARE_PARTS + 1 }; /* parts, and what is between them */

/* One table of one side while its parts come in. */
struct reading {
    struct compare *c;
    size_t side;
    const char *table;
    struct timeline *t;
    double sum[COMPARE_HOST_MAX][BUCKETS][EXPLAIN_METRICS];
    double seconds[COMPARE_HOST_MAX][BUCKETS];
    bool known[COMPARE_HOST_MAX][BUCKETS];
    size_t part_of[BUCKETS]; /* SIZE_MAX: none */
};

static const struct explain_figure *figure_at(size_t number)
{
    size_t at = FROM_REPORT;

    for (size_t k = 0; k < COUNT_OF(tables); k++)
        for (size_t g = 0; g < explain_figure_count; g++)
            if (is_watched(&explain_figures[g], tables[k]) && at++ == number)
                return &explain_figures[g];
    return NULL;
}

static size_t find_metric(const struct timeline *t, const char *name)
{
    for (size_t i = 0; i < t->metric_count; i++)
        if (strcmp(t->table->metrics[t->metric[i]].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static void take_cells(struct reading *r, size_t number, size_t bucket,
                       const struct timeline_row *row)
{
    const struct explain_figure *g = figure_at(number);
    double sum[EXPLAIN_METRICS] = { 0 }, seconds = 0;

    for (size_t m = 0; m < EXPLAIN_METRICS && g->metric[m] != NULL; m++) {
        size_t at = find_metric(r->t, g->metric[m]);
        const struct timeline_cell *cell = at == SIZE_MAX ? NULL : &row->cell[at];
        double scale = at == SIZE_MAX ? 0 : (double)r->t->table->metrics[r->t->metric[at]].scale;

        if (cell == NULL || !cell->timed)
            return;
        sum[m] = scale *
                 (g->form == EXPLAIN_RATE ? (double)cell->increase : (double)cell->sum / SECOND_NS);
        seconds =
            (double)(g->form == EXPLAIN_RATE ? cell->covered_ns : cell->weight_ns) / SECOND_NS;
    }
    if (!(seconds > 0))
        return;
    r->known[number][bucket] = true;
    r->seconds[number][bucket] = seconds;
    memcpy(r->sum[number][bucket], sum, sizeof sum);
}

static enum status take(void *self, size_t bucket, const struct timeline_row rows[], size_t count,
                        struct error *err)
{
    struct reading *r = self;

    (void)err;
    for (size_t i = 0; i < count; i++) {
        const struct recording_entity *entity =
            recording_entity(r->c->asked[r->side]->recording, rows[i].key.id[0]);

        for (size_t n = FROM_REPORT; n < r->c->host_count; n++) {
            const struct explain_figure *g = figure_at(n);

            if (strcmp(g->table, r->table) == 0 &&
                (g->key == NULL || (entity != NULL && strcmp(entity->key, g->key) == 0)))
                take_cells(r, n, bucket, &rows[i]);
        }
    }
    return STATUS_OK;
}

static double rate_of(const struct explain_figure *g, const double sum[EXPLAIN_METRICS],
                      double seconds)
{
    return (g->form == EXPLAIN_MISSING ? sum[1] - sum[0] : sum[0] + sum[1]) / seconds;
}

static void settle(struct reading *r)
{
    for (size_t n = FROM_REPORT; n < r->c->host_count; n++) {
        const struct explain_figure *g = figure_at(n);
        struct compare_value *value = &r->c->host[n].change.side[r->side];
        double sum[EXPLAIN_METRICS] = { 0 }, seconds = 0;

        if (strcmp(g->table, r->table) != 0)
            continue;
        for (size_t b = 0; b < BUCKETS; b++) {
            if (!r->known[n][b])
                continue;
            if (r->part_of[b] != SIZE_MAX)
                value->part[r->part_of[b]] = rate_of(g, r->sum[n][b], r->seconds[n][b]);
            seconds += r->seconds[n][b];
            for (size_t m = 0; m < EXPLAIN_METRICS; m++)
                sum[m] += r->sum[n][b][m];
        }
        value->known = seconds > 0;
        if (!value->known)
            continue;
        value->rate = rate_of(g, sum, seconds);
        value->figure = g->form == EXPLAIN_RATE ? value->rate * seconds : value->rate;
        value->covered_seconds = seconds;
    }
}

static void add_bucket(struct reading *r, struct timeline_buckets *b, int64_t end_ns, size_t part)
{
    int64_t from_ns = b->count == 0 ? b->from_ns : b->end_ns[b->count - 1];

    if (end_ns <= from_ns)
        return;
    r->part_of[b->count] = part;
    b->end_ns[b->count++] = end_ns;
}

/* The window's parts, and what is between them. */
static enum status cut(struct reading *r, struct timeline_buckets *b, struct error *err)
{
    const struct compare_side *side = &r->c->side[r->side];

    b->from_ns = side->subject->window.from_ns;
    b->end_ns = calloc(BUCKETS, sizeof *b->end_ns);
    b->ticks = calloc(BUCKETS, sizeof *b->ticks);
    if (b->end_ns == NULL || b->ticks == NULL)
        return error_set(err, STATUS_NO_MEMORY, "parts");
    for (size_t p = 0; p < side->part_count; p++) {
        add_bucket(r, b, side->part[p].from_ns, SIZE_MAX);
        add_bucket(r, b, side->part[p].to_ns, p);
    }
    add_bucket(r, b, side->subject->window.to_ns, SIZE_MAX);
    return STATUS_OK;
}

static void want_metrics(struct timeline *t, const char *table)
{
    for (size_t n = FROM_REPORT; figure_at(n) != NULL; n++) {
        const struct explain_figure *g = figure_at(n);

        for (size_t m = 0; m < EXPLAIN_METRICS && g->metric[m] != NULL; m++) {
            size_t position = recording_metric(t->table, g->metric[m]);

            if (strcmp(g->table, table) == 0 && position != SIZE_MAX &&
                find_metric(t, g->metric[m]) == SIZE_MAX)
                t->metric[t->metric_count++] = position;
        }
    }
}

static enum status read_table(struct reading *r, struct error *err)
{
    static const struct select everyone = { .pid_count = 0 };
    const struct subject *subject = r->c->asked[r->side];
    struct timeline *t = calloc(1, sizeof *t);
    enum status st = STATUS_OK;

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a timeline");
    r->t = t;
    t->by = TIMELINE_SERIES;
    t->select = &everyone;
    t->sink = (struct timeline_sink){ take, r };
    t->table = recording_table(subject->recording, r->table);
    if (t->table != NULL) {
        want_metrics(t, r->table);
        if (t->metric_count > 0)
            st = cut(r, &t->buckets, err);
        if (st == STATUS_OK && t->metric_count > 0)
            st = timeline_read(t, subject, err);
        if (st == STATUS_OK)
            settle(r);
    }
    timeline_release(t);
    free(t);
    return st;
}

static void add_figures(struct compare *c)
{
    for (size_t n = FROM_REPORT; n < COMPARE_HOST_MAX && figure_at(n) != NULL; n++) {
        const struct explain_figure *g = figure_at(n);

        c->host[n] =
            (struct compare_host_figure){ .name = g->title,
                                          .title = g->title,
                                          .unit = g->unit,
                                          .source = g->table,
                                          .human = g->human,
                                          .least = g->whole == EXPLAIN_OF_MEMORY
                                                       ? g->floor * c->whole[COMPARE_MEMORY]
                                                       : g->floor * g->size };
        (void)snprintf(c->host[n].figure, sizeof c->host[n].figure, "%s%s%s",
                       g->form == EXPLAIN_MISSING ? g->metric[1] : g->metric[0],
                       g->form == EXPLAIN_MISSING ? " - " : "",
                       g->form == EXPLAIN_MISSING ? g->metric[0] : "");
        for (size_t s = 0; s < COMPARE_SIDES; s++)
            begin_value(&c->host[n].change.side[s]);
        c->host_count = n + 1;
    }
}

enum status compare_host(struct compare *c, struct error *err)
{
    enum status st = STATUS_OK;

    add_figures(c);
    for (size_t s = 0; s < COMPARE_SIDES && st == STATUS_OK; s++)
        for (size_t k = 0; k < COUNT_OF(tables) && st == STATUS_OK; k++) {
            struct reading *r = calloc(1, sizeof *r);

            if (r == NULL)
                return error_set(err, STATUS_NO_MEMORY, "the host");
            *r = (struct reading){ .c = c, .side = s, .table = tables[k] };
            st = read_table(r, err);
            free(r);
        }
    for (size_t n = 0; n < c->host_count; n++)
        compare_judge(c, &c->host[n].change, c->host[n].least, 0,
                      strcmp(c->host[n].source, "memory_samples") == 0);
    return st;
}
