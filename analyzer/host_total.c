/*
 * Busy time has two bases. The kernel's tick fields (user, nice, system, irq of cpu_samples) are
 * always there; the root cpuacct group's usage is exact to the nanosecond where it exists.
 */
#include "analyzer/host_total.h"

#include <string.h>

#include "analyzer/rate.h"

enum { US_NS = 1000 };

struct adding {
    struct aggregate *a;
    struct recording *rec;
    const struct window *window;
    struct block_table directory;
    struct block_column column;
    const struct recording_table *table;
};

/* Increase of one column of one series in the window, in exported units; gaps left out. */
static bool increase_of(struct adding *x, size_t series, size_t position, int64_t *increase,
                        int64_t *covered_ns)
{
    struct rate_walk walk;
    struct interval in;
    bool any = false;

    *increase = *covered_ns = 0;
    rate_begin(&walk, &x->directory, &x->column, series);
    while (rate_next(&walk, &in)) {
        if (in.at_ns <= x->window->from_ns || in.at_ns > x->window->to_ns || in.gap || !in.known)
            continue;
        *increase += in.increase;
        *covered_ns += in.dt_ns;
        any = true;
    }
    *increase *= x->table->metrics[position].scale;
    return any;
}

static enum status add_core_metric(struct adding *x, const char *name, int64_t *sum_us,
                                   bool elapsed, struct error *err)
{
    size_t position = recording_metric(x->table, name);

    if (position == SIZE_MAX)
        return STATUS_OK;
    if (recording_column(x->rec, &x->directory, x->directory.shape->first_column[position],
                         SIZE_MAX, &x->column, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < x->directory.series_count; i++) {
        int64_t increase, covered;

        if (!increase_of(x, i, position, &increase, &covered))
            continue;
        *sum_us += increase / US_NS;
        x->a->host.known = true;
        if (elapsed)
            x->a->host.elapsed_us += covered / US_NS;
    }
    return STATUS_OK;
}

static enum status add_cores(struct adding *x, struct error *err)
{
    struct host_total *host = &x->a->host;
    const struct {
        const char *name;
        int64_t *sum;
    } fields[] = { { "user_ns_total", &host->busy_us },  { "nice_ns_total", &host->busy_us },
                   { "system_ns_total", &host->busy_us }, { "irq_ns_total", &host->busy_us },
                   { "idle_ns_total", &host->idle_us },   { "iowait_ns_total", &host->idle_us },
                   { "steal_ns_total", &host->steal_us } };

    for (size_t f = 0; f < COUNT_OF(fields); f++)
        if (add_core_metric(x, fields[f].name, fields[f].sum, f == 0, err) != STATUS_OK)
            return err->status;
    if ((int64_t)x->directory.series_count > host->cores)
        host->cores = (int64_t)x->directory.series_count;
    return STATUS_OK;
}

/* The row of recorder_samples for the program as a whole. */
static size_t recorder_series(const struct adding *x)
{
    for (size_t i = 0; i < x->directory.series_count; i++) {
        const struct recording_entity *e =
            recording_entity(x->rec, x->directory.series[i].key[0]);

        if (e != NULL && strcmp(e->key, "recorder") == 0)
            return i;
    }
    return SIZE_MAX;
}

static enum status add_recorder(struct adding *x, struct error *err)
{
    const struct {
        const char *name;
        int64_t *sum;
    } fields[] = { { "ticks_missed_total", &x->a->ticks_missed },
                   { "ticks_dropped_total", &x->a->ticks_dropped },
                   { "exits_lost_total", &x->a->exits_lost } };
    size_t series = recorder_series(x);
    size_t position = recording_metric(x->table, "cpu_busy_cpuacct_ns_total");
    int64_t increase, covered;

    for (size_t f = 0; f < COUNT_OF(fields) && series != SIZE_MAX; f++) {
        size_t at = recording_metric(x->table, fields[f].name);

        if (at == SIZE_MAX)
            continue;
        if (recording_column(x->rec, &x->directory, x->directory.shape->first_column[at], SIZE_MAX,
                             &x->column, err) != STATUS_OK)
            return err->status;
        if (increase_of(x, series, at, &increase, &covered))
            *fields[f].sum += increase + (*fields[f].sum < 0);
    }
    if (series == SIZE_MAX || position == SIZE_MAX)
        return STATUS_OK;
    if (recording_column(x->rec, &x->directory, x->directory.shape->first_column[position],
                         SIZE_MAX, &x->column, err) != STATUS_OK)
        return err->status;
    if (increase_of(x, series, position, &increase, &covered)) {
        x->a->host.exact_us += increase / US_NS;
        x->a->host.exact_ns += covered;
    }
    return STATUS_OK;
}

static enum status add_table(struct adding *x, const char *name,
                             const struct recording_block *block, const struct block_ticks *ticks,
                             enum status (*add)(struct adding *, struct error *),
                             struct error *err)
{
    enum status st;

    x->table = recording_table(x->rec, name);
    if (x->table == NULL)
        return STATUS_OK;
    st = recording_directory(x->rec, block, x->table, ticks, &x->directory, err);
    if (st == STATUS_ABSENT)
        return STATUS_OK;
    if (st == STATUS_OK)
        st = add(x, err);
    block_table_release(&x->directory);
    return st;
}

enum status host_total_block(struct aggregate *a, struct recording *rec,
                             const struct recording_block *block, const struct block_ticks *ticks,
                             const struct window *window, struct error *err)
{
    struct adding x = { .a = a, .rec = rec, .window = window };
    enum status st = add_table(&x, "cpu_samples", block, ticks, add_cores, err);

    if (st == STATUS_OK)
        st = add_table(&x, "recorder_samples", block, ticks, add_recorder, err);
    block_column_release(&x.column);
    return st;
}

void host_total_end(struct host_total *host)
{
    int64_t wall_us = host->cores == 0 ? 0 : host->elapsed_us / host->cores;

    if (!host->known)
        return;
    /* Exact only if it was recorded for all of the window, to 1 %. */
    host->exact = host->exact_ns > 0 && host->exact_ns / US_NS >= wall_us - wall_us / 100;
    if (host->exact) {
        host->busy_us = host->exact_us;
        host->idle_us = host->elapsed_us - host->exact_us - host->steal_us;
    }
    host->total_us = host->busy_us + host->idle_us + host->steal_us;
}
