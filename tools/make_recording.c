/*
 * make_recording: a recording of made-up processes, written by the recorder's own writer.
 *
 * No clock is read: times follow from the options, so a day takes seconds and the same options
 * give the same recording. With --truth it also writes down what the recording must hold.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "recorder/writer.h"
#include "tools/generate_gpu.h"
#include "tools/generate_host.h"
#include "tools/generate_incident.h"
#include "tools/generate_options.h"
#include "tools/generate_power.h"
#include "tools/generate_process.h"
#include "tools/generate_reach.h"
#include "tools/generate_rows_truth.h"
#include "tools/generate_tables.h"
#include "tools/generate_truth.h"

#define SECOND_NS INT64_C(1000000000)
#define UPTIME_NS (30 * 86400 * SECOND_NS) /* of the host when the recording begins */
#define BOOT_NS (20 * SECOND_NS)           /* from a boot to the recorder's start */

struct generator {
    struct generate_options options;
    struct population population;
    struct host host;
    struct gpus gpus;
    struct power power;
    struct random_source random;
    struct tick tick;
    struct tables tables;
    struct incidents incidents;
    struct truth *truth;
    struct rows_truth *rows_truth;
    struct hours *hours;
    struct writer *writer;
    int64_t boot_ns; /* timeline time of boot */
    int64_t before_ns, tick_count;
    int64_t wall_ns; /* that the wall clock is off, of this session's timeline */
    size_t steps;    /* of it, so far */
    int64_t missed;  /* ticks since the last one */
    int session;
    unsigned boot;         /* how many there were */
    bool reboots;          /* the next session is of another */
    int64_t samples;       /* of sessions that are closed */
    int64_t largest_bytes; /* of file, WAL and index, where there is a limit */
    struct reach reach;    /* the same */
    char path[4096];       /* of the session, with --split */
};

static void fill_facts(const struct generator *g, int64_t start_ns, struct session_facts *facts)
{
    *facts = (struct session_facts){
        .zone_offset_s = 3600,
        .core_count = g->host.cores,
        .page_bytes = 4096,
        .memory_bytes = INT64_C(16000) << 20,
        .clock_ticks_per_second = 100,
        .interval_ns = g->options.interval_ns,
        .pid = 299,
        .timebase = { .boot_start_ns = start_ns - g->boot_ns, .wall_start_ns = start_ns },
    };
    snprintf(facts->boot_id, sizeof facts->boot_id, "%08x-0000-4000-8000-%012" PRIx64, g->boot,
             g->options.seed & UINT64_C(0xffffffffffff));
    snprintf(facts->host, sizeof facts->host, "generated-%" PRIu64, g->options.seed);
    snprintf(facts->os, sizeof facts->os, "Linux");
    snprintf(facts->release, sizeof facts->release, "6.1.0-generated");
    snprintf(facts->machine, sizeof facts->machine, "x86_64");
    snprintf(facts->hardware, sizeof facts->hardware, "made up");
    snprintf(facts->version, sizeof facts->version, "make_recording");
    snprintf(facts->process_source, sizeof facts->process_source, "fds");
    if (g->options.fall_back.length_s == 0) {
        snprintf(facts->zone, sizeof facts->zone, "Africa/Lagos"); /* +01:00, never changes */
        return;
    }
    facts->zone_next_change_ns = g->options.start_ns + g->options.fall_back.at_s * SECOND_NS;
    facts->zone_next_offset_s = facts->zone_offset_s - (int32_t)g->options.fall_back.length_s;
    if (start_ns >= facts->zone_next_change_ns) {
        facts->zone_offset_s = facts->zone_next_offset_s;
        facts->zone_next_change_ns = 0;
    }
}

/* Of what is made besides the usual. */
static enum status add_table_capabilities(struct generator *g, struct error *err)
{
    const struct capability capability = { .status = CAPABILITY_OK };
    enum status st = STATUS_OK;

    for (size_t t = TABLE_RECORDER + 1; t < TABLE_COUNT && st == STATUS_OK; t++) {
        char name[40];
        size_t size = strlen(samples_tables[t].name) - strlen("_samples");

        (void)snprintf(name, sizeof name, "%.*s", (int)size, samples_tables[t].name);
        if ((g->options.tables >> t & 1) != 0 && t != TABLE_GPU_PROCESS)
            st = writer_capability(g->writer, name, &capability, err);
    }
    return st;
}

static enum status add_capabilities(struct generator *g, struct error *err)
{
    static const char *const names[] = { "process", "cpu", "memory", "recorder" };
    struct capability capability = { .status = CAPABILITY_OK };
    enum status st = STATUS_OK;

    for (size_t i = 0; i < COUNT_OF(names) && st == STATUS_OK; i++) {
        bool partial = i == 0 && g->options.missing;

        capability.status = partial ? CAPABILITY_PARTIAL : CAPABILITY_OK;
        snprintf(capability.reason, sizeof capability.reason, "%s",
                 partial ? "IO of other users' processes is not permitted" : "");
        snprintf(capability.enable, sizeof capability.enable, "%s", partial ? "run as root" : "");
        st = writer_capability(g->writer, names[i], &capability, err);
    }
    return st == STATUS_OK ? add_table_capabilities(g, err) : st;
}

/* Where the session that begins is to go. */
static const char *session_path(struct generator *g)
{
    if (!g->options.split || g->session == 0)
        return g->options.path;
    (void)snprintf(g->path, sizeof g->path, "%s.%d", g->options.path, g->session + 1);
    return g->path;
}

static enum status session_begin(struct generator *g, int64_t start_ns, struct error *err)
{
    struct writer_options options = {
        .path = session_path(g),
        .commit_ns = g->options.commit_ns,
        .sync_ns = g->options.sync_ns,
        .retention = { .keep_ns = g->options.keep_ns,
                       .keep_rollups_ns = g->options.keep_rollups_ns,
                       .max_bytes = g->options.max_bytes },
    };
    struct session_facts facts;
    enum status st;

    if (g->reboots) {
        g->boot++;
        g->boot_ns = start_ns - BOOT_NS;
        population_reboot(&g->population, g->boot_ns);
        host_reboot(&g->host, &g->random);
    }
    fill_facts(g, start_ns, &facts);
    host_restart(&g->host);
    g->tick.seq = g->missed = 0;
    g->wall_ns = 0; /* a session's timeline begins with its wall clock */
    g->session++;
    st = writer_open(&g->writer, &options, &facts, err);
    return st == STATUS_OK ? add_capabilities(g, err) : st;
}

static enum status session_end(struct generator *g, const char *reason, struct error *err)
{
    struct writer_stats stats;
    struct writer *writer = g->writer;

    if (writer == NULL)
        return STATUS_OK;
    writer_stats(writer, &stats);
    g->samples += stats.process_samples;
    g->writer = NULL;
    reach_close(&g->reach);
    return writer_close(writer, reason, err);
}

static void add_event(struct generator *g, const char *name, int64_t at_ns, int64_t length_ns,
                      int64_t value)
{
    struct tick_text kind = tick_add_text(&g->tick, name, strlen(name));
    struct tick_event *event = tick_add_event(&g->tick);

    if (event != NULL)
        *event = (struct tick_event){
            .at_ns = at_ns, .duration_ns = length_ns, .value = value, .kind = kind
        };
}

/* Ticks that were due and could not be taken: time passed, and what was done in it is in the next. */
static void add_late(struct generator *g, int64_t now_ns)
{
    int64_t late_ns = g->missed * g->options.interval_ns;

    if (g->missed == 0)
        return;
    add_event(g, "late", now_ns - late_ns, late_ns, g->missed);
    host_missed(&g->host, g->missed);
    g->missed = 0;
}

/* What the recording takes at the moment, and how far back it reaches. */
static enum status measure(struct generator *g, struct error *err)
{
    static const char *const suffix[] = { "", "-wal", "-shm" };
    int64_t bytes = 0;

    for (size_t i = 0; i < COUNT_OF(suffix); i++) {
        char path[4200];
        struct stat info;

        snprintf(path, sizeof path, "%s%s", g->options.path, suffix[i]);
        if (stat(path, &info) == 0)
            bytes += info.st_size;
    }
    if (bytes > g->largest_bytes)
        g->largest_bytes = bytes;
    return reach_look(&g->reach, g->options.path, g->tick.start_ns, err);
}

/* The wall clock is set as often as it is due. */
static void set_clock(struct generator *g, int64_t now_ns)
{
    while (g->steps < g->options.steps.count &&
           now_ns >= g->options.start_ns + g->options.steps.span[g->steps].at_s * SECOND_NS) {
        int64_t step_ns = g->options.steps.span[g->steps++].length_s * SECOND_NS;

        g->wall_ns += step_ns;
        add_event(g, "clock_step", now_ns, 0, step_ns);
    }
}

/* Sweep, store, write down the truth. */
static enum status one_tick(struct generator *g, const struct moment *moment, struct error *err)
{
    struct tick *tick = &g->tick;
    const struct strain *strain = &g->incidents.strain;
    enum status st = STATUS_OK;
    int64_t run_us;

    set_clock(g, moment->now_ns);
    tick->start_ns = moment->now_ns;
    tick->wall_ns = moment->now_ns + g->wall_ns;
    tick->end_ns = moment->now_ns + 200000 + (int64_t)g->population.slot_count * 3000 +
                   random_below(&g->random, 100000);
    if (tick->end_ns > moment->now_ns + g->options.interval_ns / 2)
        tick->end_ns = moment->now_ns + g->options.interval_ns / 2;
    tick->gap_before = moment->gap;
    if (g->hours != NULL)
        hours_tick(g->hours, tick->start_ns, moment->gap || moment->session_first);
    run_us = population_tick(&g->population, moment, tick);
    g->host.strain = g->gpus.strain = strain;
    host_tick(&g->host, tick, moment->awake_ns, run_us, &g->random);
    gpus_tick(&g->gpus, &g->population, moment, tick);
    power_tick(&g->power, moment, run_us, tick);
    tables_tick(&g->tables, &g->population, moment, strain, tick);
    if (tick->no_memory)
        return error_set(err, STATUS_NO_MEMORY, "tick: out of memory");
    if (g->rows_truth != NULL)
        st = rows_truth_tick(g->rows_truth, tick, err);
    if (st == STATUS_OK)
        st = writer_tick(g->writer, tick, err);
    if (st != STATUS_OK)
        return error_prefix(err, "tick %" PRId64, moment->index);
    if (g->truth != NULL)
        truth_tick(g->truth, moment, tick, g->session, g->host.processes_us, g->host.busy_us);
    if (g->options.max_bytes > 0)
        st = measure(g, err);
    if (st != STATUS_OK)
        return st;
    st = population_after(&g->population, moment, g->writer, err);
    incidents_after(&g->incidents, &g->population);
    tick_reset(tick);
    tick->seq++;
    g->before_ns = moment->now_ns;
    g->tick_count++;
    return st;
}

static void show_progress(const struct generator *g, int64_t done, int64_t all)
{
    static time_t shown;

    if (done % 64 != 0 || time(NULL) == shown)
        return;
    shown = time(NULL);
    fprintf(stderr, "\rmake_recording: %3d %%, %" PRId64 " ticks, %" PRId64 " processes ",
            (int)(done * 100 / all), g->tick_count, g->population.truth_count);
}

/* The tick due at `due_ns` after the first; `gap` is the span that ended since the last. */
static enum status tick_at(struct generator *g, int64_t due_ns, bool session_first,
                           const struct generate_span *gap, struct error *err)
{
    int64_t now_ns = g->options.start_ns + due_ns +
                     random_between(&g->random, -g->options.jitter_ns, g->options.jitter_ns);
    struct moment moment = {
        .index = g->tick_count,
        .before_ns = g->tick_count > 0 ? g->before_ns : now_ns - g->options.interval_ns,
        .now_ns = now_ns,
        .session_first = session_first,
        .booted = session_first && g->reboots,
        .gap = gap != NULL,
    };
    enum status st = STATUS_OK;

    moment.awake_ns = moment.now_ns - moment.before_ns;
    if (session_first)
        st = session_begin(g, now_ns, err);
    if (gap != NULL) {
        int64_t asleep_ns = moment.awake_ns - g->options.interval_ns;

        if (asleep_ns > gap->length_s * SECOND_NS)
            asleep_ns = gap->length_s * SECOND_NS;
        moment.awake_ns -= asleep_ns;
        add_event(g, "suspend", moment.now_ns - asleep_ns, asleep_ns, 0);
    }
    add_late(g, moment.now_ns);
    return st == STATUS_OK ? one_tick(g, &moment, err) : st;
}

static enum status generate(struct generator *g, struct error *err)
{
    const struct generate_span *gap = NULL;
    int64_t end_ns = g->options.seconds * SECOND_NS;
    bool session_first = true, terminal = isatty(STDERR_FILENO) == 1;
    enum status st = STATUS_OK;

    for (int64_t due_ns = 0; due_ns < end_ns && st == STATUS_OK; due_ns += g->options.interval_ns) {
        const struct generate_span *now = generate_span_at(&g->options.gaps, due_ns / SECOND_NS);

        bool reboots = generate_span_at(&g->options.reboots, due_ns / SECOND_NS) != NULL;

        if (reboots || generate_span_at(&g->options.restarts, due_ns / SECOND_NS) != NULL) {
            st = session_end(g, "stop", err);
            g->reboots |= reboots;
            session_first = true;
            gap = NULL;
            continue;
        }
        if (now != NULL) {
            gap = session_first ? NULL : now;
            continue;
        }
        if (generate_span_at(&g->options.lates, due_ns / SECOND_NS) != NULL) {
            g->missed++;
            continue;
        }
        st = tick_at(g, due_ns, session_first, gap, err);
        session_first = g->reboots = false;
        gap = NULL;
        if (terminal)
            show_progress(g, due_ns / g->options.interval_ns, end_ns / g->options.interval_ns);
    }
    if (terminal)
        fputs("\r\033[K", stderr);
    population_finish(&g->population, g->tick_count - 1);
    return st;
}

static enum status prepare(struct generator *g, struct error *err)
{
    enum status st = STATUS_OK;

    if (access(g->options.path, F_OK) == 0)
        return error_set(err, STATUS_INVALID, "%s exists", g->options.path);
    g->boot_ns = g->options.start_ns - UPTIME_NS;
    g->random.state = g->options.seed ^ UINT64_C(0x5bd1e995);
    if (incidents_init(&g->incidents, &g->options, err) != STATUS_OK)
        return err->status;
    tick_init(&g->tick);
    if (g->options.truth != NULL)
        st = truth_open(&g->truth, g->options.truth, err);
    if (st == STATUS_OK && g->options.tables_truth != NULL)
        st = rows_truth_open(&g->rows_truth, g->options.tables_truth, err);
    if (st == STATUS_OK && g->options.hours != NULL)
        st = hours_open(&g->hours, g->options.hours, err);
    if (st == STATUS_OK)
        st = population_init(&g->population, &g->options, g->boot_ns, g->truth, err);
    g->population.hours = g->hours;
    g->population.incidents = &g->incidents;
    gpus_init(&g->gpus, &g->options, g->truth);
    power_init(&g->power, &g->options, g->truth);
    tables_init(&g->tables, &g->options);
    if (st == STATUS_OK)
        host_init(&g->host, g->population.host.cores, &g->random);
    return st;
}

/* The first failure is the one that is told. */
static enum status first_failure(enum status first, enum status second, struct error *err,
                                 const struct error *second_err)
{
    if (first != STATUS_OK || second == STATUS_OK)
        return first;
    *err = *second_err;
    return second;
}

int main(int argc, char *argv[])
{
    static struct generator g;
    struct error err = { 0 }, second = { 0 };
    enum status st = generate_options_parse(&g.options, argc, argv, &err);

    if (st != STATUS_OK) {
        fprintf(stderr, "make_recording: %s\n%s", err.message, generate_usage);
        return 2;
    }
    st = prepare(&g, &err);
    if (st == STATUS_OK)
        st = generate(&g, &err);
    st = first_failure(st, session_end(&g, g.options.unclean ? NULL : "stop", &second), &err,
                       &second);
    if (st == STATUS_OK && g.options.truth != NULL)
        st = incidents_write(&g.incidents, g.options.truth, &err);
    st = first_failure(st, truth_close(g.truth, &second), &err, &second);
    st = first_failure(st, rows_truth_close(g.rows_truth, &second), &err, &second);
    st = first_failure(st, hours_close(g.hours, &second), &err, &second);
    if (st == STATUS_OK)
        printf("%s: %" PRId64 " ticks, %" PRId64 " process samples, %" PRId64 " processes\n",
               g.options.path, g.tick_count, g.samples, g.population.truth_count);
    if (st == STATUS_OK && g.options.max_bytes > 0)
        printf("at most %" PRId64 " bytes at any time\n", g.largest_bytes);
    if (st == STATUS_OK && g.reach.least_ns > 0)
        printf("at least the newest %" PRId64 " s of every tick\n", g.reach.least_ns / SECOND_NS);
    if (st != STATUS_OK)
        fprintf(stderr, "make_recording: %s\n", err.message);
    tick_release(&g.tick);
    tables_release(&g.tables);
    population_release(&g.population);
    return st == STATUS_OK ? 0 : 1;
}
