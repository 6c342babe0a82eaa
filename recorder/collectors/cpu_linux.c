/*
 * Time of every core.
 *
 *   source  /proc/stat, lines "cpuN user nice system idle iowait irq softirq steal guest ..."
 *           (fs/proc/stat.c; guest time is part of user, so it is left out);
 *           /sys/devices/system/cpu/cpuN/cpufreq/scaling_cur_freq, kHz
 *   units   clock ticks of 1/_SC_CLK_TCK s, stored as microseconds
 *   absent  a core that is off line has no line, and so no row; no cpufreq in most virtual machines
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/textfile.h"

enum {
    STAT_ROOM = 16384, /* the lines of the cores come first; the rest is not asked for */
    STAT_LIMIT = 1 << 21,
    FREQUENCY_ROOM = 64,
    CORES_MAX = 8192,
    HZ_PER_KHZ = 1000,
    FREQUENCY_SLOW_SHARE = 100, /* reading all frequencies may take this part of an interval */
    FREQUENCY_SLOW_TICKS = 16,  /* and is done this seldom where it takes longer */
    MICROSECONDS = 1000000,
};

struct core {
    bool announced; /* in this session */
    bool present;   /* had a row at the previous tick */
    bool seen;      /* has a line at this tick */
    bool tried;     /* its frequency file was looked for since it came on line */
    int64_t values[CPU_METRIC_COUNT];
    uint8_t missing[CPU_METRIC_COUNT];
    struct textfile frequency;
};

struct cpu_state {
    const struct collect_context *context;
    struct textfile stat;
    struct core *cores; /* by number */
    size_t core_count;
    int64_t ticks_per_second;
    bool has_frequency;
    unsigned frequency_every, frequency_wait; /* in ticks */
};

static void cpu_close(void *state)
{
    struct cpu_state *cpu = state;

    if (cpu == NULL)
        return;
    for (size_t i = 0; i < cpu->core_count; i++)
        textfile_close(&cpu->cores[i].frequency);
    free(cpu->cores);
    textfile_close(&cpu->stat);
    free(cpu);
}

/* The core of that number; the array grows when a higher one comes on line. NULL without memory. */
static struct core *core_at(struct cpu_state *cpu, size_t number)
{
    struct core *larger;

    if (number < cpu->core_count)
        return &cpu->cores[number];
    larger = realloc(cpu->cores, (number + 1) * sizeof *larger);
    if (larger == NULL)
        return NULL;
    memset(larger + cpu->core_count, 0, (number + 1 - cpu->core_count) * sizeof *larger);
    cpu->cores = larger;
    cpu->core_count = number + 1;
    return &cpu->cores[number];
}

/* The fields of one line behind "cpuN" into the core. */
static void parse_times(const struct cpu_state *cpu, const char *at, const char *end,
                        struct core *core)
{
    static const enum cpu_metric order[] = {
        CPU_USER_NS_TOTAL,   CPU_NICE_NS_TOTAL, CPU_SYSTEM_NS_TOTAL, CPU_IDLE_NS_TOTAL,
        CPU_IOWAIT_NS_TOTAL, CPU_IRQ_NS_TOTAL,  CPU_IRQ_NS_TOTAL,    CPU_STEAL_NS_TOTAL,
    };

    memset(core->values, 0, sizeof core->values);
    memset(core->missing, MISSING_NONE, sizeof core->missing);
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        int64_t us = 0;
        enum missing why = textfile_scaled(&at, end, MICROSECONDS, &us);
        int64_t *sum = &core->values[order[i]];

        us /= cpu->ticks_per_second;
        if (why == MISSING_NONE && __builtin_add_overflow(*sum, us, sum))
            why = MISSING_FAILED;
        if (why != MISSING_NONE) {
            *sum = 0;
            core->missing[order[i]] = (uint8_t)why;
        }
    }
}

/*
 * All whole lines of cores. True when a line of something else ended them, so that none can have
 * been cut off.
 */
static bool parse_stat(struct cpu_state *cpu, size_t *found)
{
    const char *at = cpu->stat.text;
    const char *end = at + cpu->stat.size;
    const char *line_end;

    *found = 0;
    for (size_t i = 0; i < cpu->core_count; i++)
        cpu->cores[i].seen = false;
    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1) {
        int64_t number = 0;
        struct core *core;

        if (line_end - at < 4 || memcmp(at, "cpu", 3) != 0)
            return true;
        at += 3;
        if (*at == ' ') /* the sum of all */
            continue;
        if (textfile_number(&at, line_end, &number) != MISSING_NONE || number >= CORES_MAX)
            continue;
        core = core_at(cpu, (size_t)number);
        if (core == NULL)
            continue;
        parse_times(cpu, at, line_end, core);
        core->seen = true;
        ++*found;
    }
    return false;
}

static void open_frequency(const struct cpu_state *cpu, size_t number, struct core *core)
{
    char path[96];
    struct error err;

    core->tried = true;
    textfile_close(&core->frequency);
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%zu/cpufreq/scaling_cur_freq",
                   number);
    /* Why it failed stays in core->frequency.failure. */
    if (textfile_open(&core->frequency, cpu->context->root, path, FREQUENCY_ROOM, FREQUENCY_ROOM,
                      &err) != STATUS_OK)
        return;
}

static void read_frequency(struct core *core)
{
    struct textfile *file = &core->frequency;
    struct error err;
    const char *at;
    enum missing why = MISSING_NOT_THERE;

    if (textfile_is_open(file) && textfile_read(file, &err) == STATUS_OK) {
        at = file->text;
        why = textfile_scaled(&at, at + file->size, HZ_PER_KHZ, &core->values[CPU_FREQUENCY_HZ]);
        if (why != MISSING_NONE) /* "<unknown>" */
            why = MISSING_UNSUPPORTED;
    } else if (file->failure != 0) {
        why = textfile_missing(file->failure);
    }
    core->missing[CPU_FREQUENCY_HZ] = (uint8_t)why;
}

/*
 * The frequencies of all cores, at every tick or, where the driver takes its time (some wait
 * milliseconds for a core that sleeps), at few. False when this tick is none of them.
 */
static bool read_frequencies(struct cpu_state *cpu)
{
    const struct clock *clock = cpu->context->clock;
    int64_t start_ns;

    if (cpu->frequency_wait > 0) {
        cpu->frequency_wait--;
        return false;
    }
    start_ns = clock->awake_ns(clock->self);
    for (size_t i = 0; i < cpu->core_count; i++) {
        struct core *core = &cpu->cores[i];

        if (core->seen && !core->tried)
            open_frequency(cpu, i, core);
        if (core->seen)
            read_frequency(core);
    }
    if (clock->awake_ns(clock->self) - start_ns > cpu->context->interval_ns / FREQUENCY_SLOW_SHARE)
        cpu->frequency_every = FREQUENCY_SLOW_TICKS;
    cpu->frequency_wait = cpu->frequency_every - 1;
    return true;
}

static bool announce(struct tick *tick, size_t number)
{
    char key[24];
    char label[24];
    struct tick_entity *entity = tick_add_entity(tick);
    int key_size = snprintf(key, sizeof key, "cpu%zu", number);
    int label_size = snprintf(label, sizeof label, "core %zu", number);

    if (entity == NULL)
        return false;
    entity->kind = ENTITY_CORE;
    entity->slot = (uint32_t)number;
    entity->parent_slot = UINT32_MAX;
    entity->key = tick_add_text(tick, key, (size_t)key_size);
    entity->label = tick_add_text(tick, label, (size_t)label_size);
    return true;
}

static bool add_row(struct tick *tick, size_t number, struct core *core)
{
    uint8_t flags = core->present ? 0 : ROW_FIRST;
    int64_t *values;
    uint8_t *missing;

    if (!core->announced && !announce(tick, number))
        return false;
    if (tick_row_values(tick, TABLE_CPU, (uint32_t)number, flags, &values, &missing) == NULL)
        return false;
    core->announced = true;
    memcpy(values, core->values, sizeof core->values);
    memcpy(missing, core->missing, sizeof core->missing);
    return true;
}

static enum status cpu_open(void **state, const struct collect_context *context,
                            struct capability *capability, struct error *err)
{
    struct cpu_state *cpu = calloc(1, sizeof *cpu);
    struct textfile probe;
    struct error why = { 0 };

    if (cpu == NULL)
        return error_set(err, STATUS_NO_MEMORY, "cpu collector");
    *state = cpu;
    *capability = (struct capability){ .status = CAPABILITY_OK };
    cpu->context = context;
    cpu->ticks_per_second = sysconf(_SC_CLK_TCK);
    cpu->frequency_every = 1;
    if (textfile_open(&cpu->stat, context->root, "/proc/stat", STAT_ROOM, STAT_LIMIT, &why) !=
        STATUS_OK) {
        capability->status = CAPABILITY_NOT_THERE;
        (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", why.message);
        (void)snprintf(capability->enable, sizeof capability->enable, "mount procfs on /proc");
        return STATUS_OK;
    }
    cpu->has_frequency = textfile_open(&probe, context->root,
                                       "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
                                       FREQUENCY_ROOM, FREQUENCY_ROOM, &why) == STATUS_OK;
    textfile_close(&probe);
    if (!cpu->has_frequency) {
        capability->status = CAPABILITY_PARTIAL;
        (void)snprintf(
            capability->reason, sizeof capability->reason,
            "no frequency_hz: the kernel offers no cpufreq, as in most virtual machines");
    }
    return STATUS_OK;
}

static enum status cpu_collect(void *state, struct tick *tick, struct error *err)
{
    struct cpu_state *cpu = state;
    bool whole = false;
    bool frequencies = true;
    size_t found = 0;

    while (!whole) {
        enum status st = textfile_read(&cpu->stat, err);

        if (st != STATUS_OK)
            return error_prefix(err, "/proc/stat");
        whole = parse_stat(cpu, &found) || !cpu->stat.cut || !textfile_grow(&cpu->stat);
    }
    if (found == 0)
        return error_set(err, STATUS_CORRUPT, "/proc/stat has no line of a core: \"%.40s\"",
                         cpu->stat.text);
    for (size_t i = 0; i < cpu->core_count; i++)
        cpu->cores[i].missing[CPU_FREQUENCY_HZ] =
            cpu->has_frequency ? MISSING_NOT_SAMPLED : MISSING_NOT_THERE;
    if (cpu->has_frequency)
        frequencies = read_frequencies(cpu);
    for (size_t i = 0; i < cpu->core_count; i++) {
        struct core *core = &cpu->cores[i];

        if (core->seen && !add_row(tick, i, core))
            return error_set(err, STATUS_NO_MEMORY, "row of cpu_samples");
        core->present = core->seen;
        core->tried = core->tried && core->seen;
    }
    tick_sampled(tick, TABLE_CPU);
    if (!frequencies)
        tick->table[TABLE_CPU].column_mask &= ~(UINT64_C(1) << CPU_FREQUENCY_HZ);
    return STATUS_OK;
}

const struct collector cpu_collector = {
    .name = "cpu",
    .description = "time and frequency of every core",
    .source = "/proc/stat; cpufreq of /sys/devices/system/cpu",
    .needs = "nothing",
    .absence = "a core without rows is off line; no frequency: the kernel has no cpufreq, as in "
               "virtual machines",
    .table = TABLE_CPU,
    .divisor = 1,
    .open = cpu_open,
    .collect = cpu_collect,
    .close = cpu_close,
};
