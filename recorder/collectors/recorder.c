/*
 * What the recorder costs, misses and cannot attribute.
 *
 *   source  our own clocks and counts; the cpu rows of the same tick; recorder_own_SYSTEM.c
 *   units   CPU times are stored as microseconds
 *   absent  the busy times while the cpu collector is off
 *
 * Three answers to "how long were the cores busy", because each errs in its own way: tick fields
 * count whole clock ticks, cores x elapsed - idle counts what the idle task did not take, cpuacct
 * is what the scheduler charged. The first two start at 0 with the recorder and never fall.
 */
#include "recorder/collectors/recorder_collector.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/collectors/process_stats.h"
#include "recorder/collectors/recorder_own.h"

enum { NS_PER_US = 1000, CORES_START = 16 };

/* What a core's row said at the tick before. */
struct core_before {
    bool known;
    int64_t boot_us;
    int64_t busy_us, idle_us;
};

struct recorder_state {
    const struct collect_context *context;
    const struct recorder_stats *stats;
    const void *process_state;
    struct recorder_own *own;
    bool announced;
    struct core_before *cores; /* by slot */
    size_t core_count;
    int64_t busy_ticks_us, busy_idle_us; /* summed over cores */
    int64_t busy_idle_shown_us;          /* the largest so far */
};

struct row {
    int64_t values[RECORDER_METRIC_COUNT];
    uint8_t missing[RECORDER_METRIC_COUNT];
};

static void put(struct row *row, enum recorder_metric metric, int64_t value)
{
    row->values[metric] = value;
    row->missing[metric] = MISSING_NONE;
}

static void put_missing(struct row *row, enum recorder_metric metric, enum missing why)
{
    row->values[metric] = 0;
    row->missing[metric] = (uint8_t)why;
}

static void row_init(struct row *row)
{
    memset(row->values, 0, sizeof row->values);
    memset(row->missing, MISSING_UNSUPPORTED, sizeof row->missing);
}

static void recorder_close(void *state)
{
    struct recorder_state *recorder = state;

    if (recorder == NULL)
        return;
    recorder_own_close(recorder->own);
    free(recorder->cores);
    free(recorder);
}

static void put_own(struct row *row, enum recorder_metric metric, const struct own_number *number)
{
    if (number->why == MISSING_NONE)
        put(row, metric, number->value);
    else
        put_missing(row, metric, number->why);
}

static struct core_before *core_at(struct recorder_state *recorder, size_t slot)
{
    size_t more = recorder->core_count == 0 ? CORES_START : recorder->core_count;
    struct core_before *larger;

    if (slot < recorder->core_count)
        return &recorder->cores[slot];
    while (more <= slot)
        more *= 2;
    larger = realloc(recorder->cores, more * sizeof *larger);
    if (larger == NULL)
        return NULL;
    memset(larger + recorder->core_count, 0, (more - recorder->core_count) * sizeof *larger);
    recorder->cores = larger;
    recorder->core_count = more;
    return &recorder->cores[slot];
}

/* Add what one core did since its previous row; its first row adds nothing. */
static void add_core(struct recorder_state *recorder, size_t slot, const int64_t *values,
                     int64_t boot_us)
{
    struct core_before *before = core_at(recorder, slot);
    struct core_before now = {
        .known = true,
        .boot_us = boot_us,
        .busy_us = values[CPU_USER_NS_TOTAL] + values[CPU_NICE_NS_TOTAL] +
                   values[CPU_SYSTEM_NS_TOTAL] + values[CPU_IRQ_NS_TOTAL],
        .idle_us =
            values[CPU_IDLE_NS_TOTAL] + values[CPU_IOWAIT_NS_TOTAL] + values[CPU_STEAL_NS_TOTAL],
    };

    if (before == NULL)
        return;
    /* A counter that fell belongs to a core that was off line in between: start anew. */
    if (before->known && now.busy_us >= before->busy_us && now.idle_us >= before->idle_us) {
        recorder->busy_ticks_us += now.busy_us - before->busy_us;
        recorder->busy_idle_us += now.boot_us - before->boot_us - (now.idle_us - before->idle_us);
    }
    *before = now;
}

/* The two bases that come from the cpu rows. */
static void put_busy(struct recorder_state *recorder, struct row *row, const struct tick *tick)
{
    const struct tick_table *cpu = &tick->table[TABLE_CPU];
    const struct clock *clock = recorder->context->clock;
    int64_t boot_us = clock->boot_ns(clock->self) / NS_PER_US;
    size_t seen = 0;

    for (size_t i = 0; cpu->sampled && i < cpu->row_count; i++) {
        if (cpu->rows[i].at == ROW_SAME)
            continue;
        add_core(recorder, cpu->rows[i].slot, cpu->values + cpu->rows[i].at * cpu->width, boot_us);
        seen++;
    }
    if (seen == 0) {
        put_missing(row, RECORDER_CPU_BUSY_TICKS_NS_TOTAL, MISSING_NOT_THERE);
        put_missing(row, RECORDER_CPU_BUSY_IDLE_NS_TOTAL, MISSING_NOT_THERE);
        return;
    }
    /* The clock was read a little after the rows: hide falls by that much, they even out. */
    if (recorder->busy_idle_us > recorder->busy_idle_shown_us)
        recorder->busy_idle_shown_us = recorder->busy_idle_us;
    put(row, RECORDER_CPU_BUSY_TICKS_NS_TOTAL, recorder->busy_ticks_us);
    put(row, RECORDER_CPU_BUSY_IDLE_NS_TOTAL, recorder->busy_idle_shown_us);
}

static void put_own_cpu(struct row *row)
{
    struct timespec cpu;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        put(row, RECORDER_CPU_NS_TOTAL, (int64_t)cpu.tv_sec * 1000000 + cpu.tv_nsec / NS_PER_US);
    else
        put_missing(row, RECORDER_CPU_NS_TOTAL, MISSING_FAILED);
}

static void put_process_stats(struct row *row, const void *process_state)
{
    struct process_stats process = { 0 };

    if (process_state == NULL) {
        put_missing(row, RECORDER_EXITS_LOST_TOTAL, MISSING_NOT_THERE);
        put_missing(row, RECORDER_PROCESSES_UNREADABLE_TOTAL, MISSING_NOT_THERE);
        put_missing(row, RECORDER_IDENTITIES_LATE_TOTAL, MISSING_NOT_THERE);
        put_missing(row, RECORDER_CPU_PROCESSES_NS_TOTAL, MISSING_NOT_THERE);
        put_missing(row, RECORDER_EXECS_LOST_TOTAL, MISSING_NOT_THERE);
        put_missing(row, RECORDER_WALKS_INCOMPLETE_TOTAL, MISSING_NOT_THERE);
        return;
    }
    process_collector_stats(process_state, &process);
    put(row, RECORDER_EXITS_LOST_TOTAL, process.exits_lost);
    put(row, RECORDER_PROCESSES_UNREADABLE_TOTAL, process.processes_unreadable);
    put(row, RECORDER_IDENTITIES_LATE_TOTAL, process.identities_late);
    put(row, RECORDER_CPU_PROCESSES_NS_TOTAL, process.cpu_processes_us);
    put(row, RECORDER_EXECS_LOST_TOTAL, process.execs_lost);
    put(row, RECORDER_WALKS_INCOMPLETE_TOTAL, process.walks_incomplete);
}

/* The row of the program as a whole. */
static void fill_program(struct recorder_state *recorder, struct row *row, const struct tick *tick)
{
    const struct recorder_stats *stats = recorder->stats;
    struct own_numbers own;

    row_init(row);
    put_own_cpu(row);
    recorder_own_read(recorder->own, &own);
    put_own(row, RECORDER_RESIDENT_BYTES, &own.resident_bytes);
    put_own(row, RECORDER_WRITTEN_BYTES_TOTAL, &own.written_bytes);
    put_own(row, RECORDER_CPU_BUSY_CPUACCT_NS_TOTAL, &own.busy_us);
    put_busy(recorder, row, tick);
    put_process_stats(row, recorder->process_state);
    if (stats == NULL)
        return;
    put(row, RECORDER_CALLS_TOTAL, stats->ticks);
    put(row, RECORDER_FAILURES_TOTAL, 0);
    put(row, RECORDER_NOT_ANSWERING, 0);
    for (size_t i = 0; i < stats->collector_count; i++) {
        row->values[RECORDER_FAILURES_TOTAL] += stats->collector[i].failures;
        row->values[RECORDER_NOT_ANSWERING] += stats->collector[i].not_answering;
    }
    if (stats->lateness_ns >= 0)
        put(row, RECORDER_LATENESS_NS, stats->lateness_ns);
    else
        put_missing(row, RECORDER_LATENESS_NS, MISSING_NOT_THERE);
    put(row, RECORDER_TICKS_MISSED_TOTAL, stats->ticks_missed);
    put(row, RECORDER_TICKS_DROPPED_TOTAL, stats->ticks_dropped);
}

static void fill_collector(struct row *row, const struct collector_cost *cost)
{
    row_init(row);
    put(row, RECORDER_CPU_NS_TOTAL, cost->cpu_ns / NS_PER_US);
    put(row, RECORDER_CALLS_TOTAL, cost->calls);
    put(row, RECORDER_FAILURES_TOTAL, cost->failures);
    if (cost->waits)
        put(row, RECORDER_NOT_ANSWERING, cost->not_answering);
}

static bool add_row(struct tick *tick, size_t slot, bool first, const struct row *row)
{
    int64_t *values;
    uint8_t *missing;

    if (tick_row_values(tick, TABLE_RECORDER, (uint32_t)slot, first ? ROW_FIRST : 0, &values,
                        &missing) == NULL)
        return false;
    memcpy(values, row->values, sizeof row->values);
    memcpy(missing, row->missing, sizeof row->missing);
    return true;
}

static bool announce(struct tick *tick, size_t slot, const char *key, const char *label)
{
    struct tick_entity *entity = tick_add_entity(tick);

    if (entity == NULL)
        return false;
    entity->kind = ENTITY_COLLECTOR;
    entity->slot = (uint32_t)slot;
    entity->parent_slot = UINT32_MAX;
    entity->key = tick_add_text(tick, key, strlen(key));
    entity->label = tick_add_text(tick, label, strlen(label));
    return true;
}

/* Slot 0 is the program, then one per collector; ours is told apart from the program by its key. */
static bool announce_all(struct tick *tick, const struct recorder_stats *stats)
{
    bool done = announce(tick, 0, "recorder", "procscoped as a whole");

    for (size_t i = 0; stats != NULL && i < stats->collector_count; i++) {
        const char *name = stats->collector[i].name;
        bool own = strcmp(name, recorder_collector.name) == 0;

        done = announce(tick, i + 1, own ? "recorder-collector" : name, name) && done;
    }
    return done;
}

static enum status recorder_open(void **state, const struct collect_context *context,
                                 struct capability *capability, struct error *err)
{
    struct recorder_state *recorder = calloc(1, sizeof *recorder);

    if (recorder == NULL)
        return error_set(err, STATUS_NO_MEMORY, "recorder collector");
    *state = recorder;
    *capability = (struct capability){ .status = CAPABILITY_OK };
    recorder->context = context;
    return recorder_own_open(&recorder->own, context->root, capability, err);
}

void recorder_collector_attach(void *state, const struct recorder_stats *stats,
                               const void *process_state)
{
    struct recorder_state *recorder = state;

    recorder->stats = stats;
    recorder->process_state = process_state;
}

static enum status recorder_collect(void *state, struct tick *tick, struct error *err)
{
    struct recorder_state *recorder = state;
    const struct recorder_stats *stats = recorder->stats;
    bool first = !recorder->announced;
    struct row row;
    bool done = true;

    if (first)
        done = announce_all(tick, stats);
    fill_program(recorder, &row, tick);
    done = done && add_row(tick, 0, first, &row);
    for (size_t i = 0; stats != NULL && i < stats->collector_count; i++) {
        fill_collector(&row, &stats->collector[i]);
        done = done && add_row(tick, i + 1, first, &row);
    }
    if (!done)
        return error_set(err, STATUS_NO_MEMORY, "row of recorder_samples");
    recorder->announced = true;
    tick_sampled(tick, TABLE_RECORDER);
    return STATUS_OK;
}

const struct collector recorder_collector = {
    .name = "recorder",
    .description = "what the recorder itself costs, misses and cannot attribute",
    .source = recorder_own_source,
    .needs = "nothing",
    .absence = recorder_own_absence,
    .table = TABLE_RECORDER,
    .divisor = 1,
    .open = recorder_open,
    .collect = recorder_collect,
    .close = recorder_close,
};
