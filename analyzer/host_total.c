/*
 * Busy time has two bases. The kernel's tick fields (user, nice, system, irq of cpu_samples) are
 * always there; the usage of the root cpuacct group is exact to the nanosecond where it exists.
 */
#include "analyzer/host_total.h"

#include <string.h>

enum { US_NS = 1000 };

void host_total_begin(struct host_total *host, struct recording *recording,
                      const struct window *window)
{
    *host = (struct host_total){
        .window = *window, .ticks_missed = -1, .ticks_dropped = -1, .exits_lost = -1
    };
    host->cpu.recording = host->recorder.recording = recording;
    host->cpu.table = recording_table(recording, "cpu_samples");
    host->recorder.table = recording_table(recording, "recorder_samples");
}

void host_total_release(struct host_total *host)
{
    rate_block_release(&host->cpu);
    rate_block_release(&host->recorder);
    block_column_release(&host->uncovered);
    *host = (struct host_total){ 0 };
}

/* What one series of the loaded column gained in the window. */
struct gain {
    int64_t increase, covered_ns; /* outside gaps */
    int64_t all; /* gaps, and what a counter that begins with the recorder began with, included */
    bool any;
};

static struct gain gain_of(const struct rate_block *b, size_t series)
{
    struct gain gain = { 0 };
    struct rate_walk walk;
    struct rate_run run;

    rate_begin(&walk, b, series, b->first, b->end);
    while (rate_next(&walk, &run)) {
        gain.any = true;
        gain.all += run.known ? run.increase : run.value;
        gain.increase += run.gap ? 0 : run.increase;
        gain.covered_ns = wrap_add(gain.covered_ns, run.dt_ns);
    }
    return gain;
}

/* The same of the windows that are wanted, from the running totals and what is uncovered. */
static struct gain gain_of_windows(const struct host_total *host, const struct rate_block *b,
                                   size_t position, size_t series)
{
    const struct block_table *d = &b->directory;
    struct gain gain = { 0 };

    for (uint32_t k = 0; k < d->series[series].count; k++) {
        uint32_t w = d->series[series].first + k;
        size_t row = d->row[series] + k;
        int64_t before = k == 0 ? b->column.base[series] : b->column.value[row - 1];

        if (!host->wanted->wanted(host->wanted->self, host->part, d->tick_ns[w]) ||
            (b->column.missing != NULL && b->column.missing[row] != MISSING_NONE))
            continue;
        gain.any = true;
        gain.increase = wrap_add(gain.increase, wrap_subtract(b->column.value[row], before));
        gain.covered_ns =
            wrap_add(gain.covered_ns,
                     wrap_subtract(d->covered_ns[(size_t)w * d->shape->metric_count + position],
                                   host->uncovered.value[row]));
    }
    gain.all = gain.increase;
    return gain;
}

/* Load the column of a metric; what is known of its windows is in two. */
static enum status load(struct host_total *host, struct rate_block *b, size_t position,
                        struct error *err)
{
    unsigned first;

    if (host->wanted == NULL)
        return rate_block_column(b, position, err);
    first = b->directory.shape->first_column[position];
    if (recording_column(b->recording, &b->directory, first, series_all, &b->column, err) !=
        STATUS_OK)
        return err->status;
    return recording_column(b->recording, &b->directory, first + PART_UNCOVERED, series_all,
                            &host->uncovered, err);
}

static struct gain gain_at(const struct host_total *host, const struct rate_block *b,
                           size_t position, size_t series)
{
    return host->wanted == NULL ? gain_of(b, series) : gain_of_windows(host, b, position, series);
}

static enum status add_field(struct host_total *host, const char *name, int64_t *sum_us,
                             int64_t *elapsed_ns, struct error *err)
{
    struct rate_block *b = &host->cpu;
    size_t position = recording_metric(b->table, name);

    if (position == SIZE_MAX)
        return STATUS_OK;
    if (load(host, b, position, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < b->directory.series_count; i++) {
        struct gain gain = gain_at(host, b, position, i);

        *sum_us += gain.increase * b->table->metrics[position].scale / US_NS;
        host->known |= gain.covered_ns > 0;
        if (elapsed_ns != NULL)
            *elapsed_ns = wrap_add(*elapsed_ns, gain.covered_ns);
    }
    return STATUS_OK;
}

/* One that went away and came back has two series in a block. */
static void count_cores(struct host_total *host)
{
    const struct block_table *d = &host->cpu.directory;
    size_t cores = 0;

    for (size_t i = 0; i < d->series_count; i++) {
        bool again = false;

        for (size_t k = 0; k < i; k++)
            again |= d->series[k].key[0] == d->series[i].key[0];
        cores += !again;
    }
    if (cores > host->cores)
        host->cores = cores;
}

static enum status add_cores(struct host_total *host, struct error *err)
{
    const struct {
        const char *name;
        int64_t *sum_us;
    } fields[] = { { "user_ns_total", &host->busy_us },   { "nice_ns_total", &host->busy_us },
                   { "system_ns_total", &host->busy_us }, { "irq_ns_total", &host->busy_us },
                   { "idle_ns_total", &host->idle_us },   { "iowait_ns_total", &host->idle_us },
                   { "steal_ns_total", &host->stolen_us } };

    for (size_t f = 0; f < COUNT_OF(fields); f++)
        if (add_field(host, fields[f].name, fields[f].sum_us, f == 0 ? &host->elapsed_ns : NULL,
                      err) != STATUS_OK)
            return err->status;
    if (host->cpu.directory.series_count > host->cores)
        count_cores(host);
    return STATUS_OK;
}

/* The row of recorder_samples for the program as a whole. */
static size_t program_series(const struct rate_block *b)
{
    for (size_t i = 0; i < b->directory.series_count; i++) {
        const struct recording_entity *e =
            recording_entity(b->recording, b->directory.series[i].key[0]);

        if (e != NULL && strcmp(e->key, "recorder") == 0)
            return i;
    }
    return SIZE_MAX;
}

static enum status program_gain(struct host_total *host, size_t series, const char *name,
                                struct gain *gain, struct error *err)
{
    struct rate_block *b = &host->recorder;
    size_t position = recording_metric(b->table, name);

    *gain = (struct gain){ 0 };
    if (position == SIZE_MAX)
        return STATUS_OK;
    if (load(host, b, position, err) != STATUS_OK)
        return err->status;
    *gain = gain_at(host, b, position, series);
    gain->increase *= b->table->metrics[position].scale;
    return STATUS_OK;
}

static enum status add_program(struct host_total *host, struct error *err)
{
    const struct {
        const char *name;
        int64_t *sum;
    } losses[] = { { "ticks_missed_total", &host->ticks_missed },
                   { "ticks_dropped_total", &host->ticks_dropped },
                   { "exits_lost_total", &host->exits_lost } };
    size_t series = program_series(&host->recorder);
    struct gain gain;

    if (series == SIZE_MAX)
        return STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(losses); i++) {
        if (program_gain(host, series, losses[i].name, &gain, err) != STATUS_OK)
            return err->status;
        if (gain.any)
            *losses[i].sum = gain.all + (*losses[i].sum < 0 ? 0 : *losses[i].sum);
    }
    if (program_gain(host, series, "cpu_busy_cpuacct_ns_total", &gain, err) != STATUS_OK)
        return err->status;
    host->cpuacct_us += gain.increase / US_NS;
    host->cpuacct_ns = wrap_add(host->cpuacct_ns, gain.covered_ns);
    return STATUS_OK;
}

static enum status add_table(struct host_total *host, struct rate_block *b,
                             const struct recording_block *block, const struct block_ticks *ticks,
                             enum status (*add)(struct host_total *, struct error *),
                             struct error *err)
{
    enum status st;

    if (b->table == NULL)
        return STATUS_OK;
    st = rate_block_open(b, block, ticks, &host->window, err);
    if (st == STATUS_ABSENT)
        return STATUS_OK;
    return st == STATUS_OK ? add(host, err) : st;
}

enum status host_total_block(struct host_total *host, const struct recording_block *block,
                             const struct block_ticks *ticks, enum host_part parts,
                             struct error *err)
{
    enum status st = STATUS_OK;

    if ((parts & HOST_CORES) != 0)
        st = add_table(host, &host->cpu, block, ticks, add_cores, err);
    if ((parts & HOST_PROGRAM) != 0 && st == STATUS_OK)
        st = add_table(host, &host->recorder, block, ticks, add_program, err);
    return st;
}

static enum status add_windows(struct host_total *host, struct rate_block *b,
                               const struct recording_block *block, const struct block_ticks *ticks,
                               enum status (*add)(struct host_total *, struct error *),
                               struct error *err)
{
    enum status st;

    if (b->table == NULL)
        return STATUS_OK;
    block_table_release(&b->directory);
    st = recording_directory(b->recording, block, b->table, ticks, &b->directory, err);
    if (st == STATUS_ABSENT)
        return STATUS_OK;
    return st == STATUS_OK ? add(host, err) : st;
}

enum status host_total_rollup(struct host_total *host, const struct recording_block *block,
                              const struct block_ticks *ticks, const struct host_windows *windows,
                              struct error *err)
{
    enum status st;

    host->wanted = windows;
    host->part = HOST_CORES;
    st = add_windows(host, &host->cpu, block, ticks, add_cores, err);
    host->part = HOST_PROGRAM;
    if (st == STATUS_OK)
        st = add_windows(host, &host->recorder, block, ticks, add_program, err);
    host->wanted = NULL;
    return st;
}

void host_total_end(struct host_total *host, int64_t covered_ns)
{
    if (!host->known)
        return;
    host->exact = covered_ns > 0 && host->cpuacct_ns == covered_ns;
    if (host->exact) {
        host->busy_us = host->cpuacct_us;
        host->idle_us = host->elapsed_ns / US_NS - host->cpuacct_us - host->stolen_us;
    }
    host->total_us = host->busy_us + host->idle_us + host->stolen_us;
}
