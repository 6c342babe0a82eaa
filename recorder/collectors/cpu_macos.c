/*
 * Time of every core.
 *
 *   source  host_processor_info(PROCESSOR_CPU_LOAD_INFO); hw.nperflevels, hw.perflevelN.* for the
 *           kinds of cores
 *   units   ticks of 10 ms in 32 bits, which begin anew after 497 days: differences are taken in 32
 *           bits
 *   absent  nice, waiting for IO, interrupts (they are in system) and steal: Darwin does not tell
 *           them; frequency of Intel and in virtual machines
 *
 * The kinds come from how many cores there are of each: the slower ones have the lower numbers, as
 * seen on M1; of later chips that is not verified. A core that is off line has the ticks that it
 * had. Frequencies are read by a worker (recorder/collectors/cpu_frequency_macos.h), at most once a
 * second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/cpu_frequency_macos.h"
#include "recorder/sysctl_macos.h"

enum { US_PER_TICK = 10000, CORES_MAX = 1024, LEVELS_MAX = 8, KIND_SIZE = 16 };

struct core {
    bool announced;
    uint32_t ticks[CPU_STATE_MAX]; /* as last read */
    int64_t sum[CPU_STATE_MAX];    /* of ticks, wraps undone */
};

struct cpu_state {
    mach_port_t host;
    struct core *cores;
    size_t core_count;                /* with memory */
    char kind[LEVELS_MAX][KIND_SIZE]; /* of each level, fastest first */
    int64_t in_level[LEVELS_MAX];
    size_t level_count; /* 0: all cores are alike */
    struct cpu_frequency frequency;
    const struct cpu_core_frequency *frequencies; /* by core, of this tick; NULL: none */
};

static void read_levels(struct cpu_state *cpu)
{
    int64_t count = 0;

    if (!sysctl_number("hw.nperflevels", &count) || count < 2 || count > LEVELS_MAX)
        return;
    for (int64_t i = 0; i < count; i++) {
        char name[64];

        (void)snprintf(name, sizeof name, "hw.perflevel%d.logicalcpu", (int)i);
        if (!sysctl_number(name, &cpu->in_level[i]))
            return;
        (void)snprintf(name, sizeof name, "hw.perflevel%d.name", (int)i);
        if (!sysctl_text(name, cpu->kind[i], sizeof cpu->kind[i]))
            return;
    }
    cpu->level_count = (size_t)count;
}

/* "core 3, Efficiency" */
static void name_core(const struct cpu_state *cpu, size_t number, char *label, size_t size)
{
    int64_t end = 0;

    (void)snprintf(label, size, "core %zu", number);
    for (size_t level = cpu->level_count; level-- > 0;) {
        end += cpu->in_level[level];
        if ((int64_t)number < end) {
            (void)snprintf(label, size, "core %zu, %s", number, cpu->kind[level]);
            return;
        }
    }
}

static bool announce(const struct cpu_state *cpu, struct tick *tick, size_t number)
{
    char key[24], label[64];
    struct tick_entity *entity = tick_add_entity(tick);

    if (entity == NULL)
        return false;
    (void)snprintf(key, sizeof key, "cpu%zu", number);
    name_core(cpu, number, label, sizeof label);
    entity->kind = ENTITY_CORE;
    entity->slot = (uint32_t)number;
    entity->parent_slot = UINT32_MAX;
    entity->key = tick_add_text(tick, key, strlen(key));
    entity->label = tick_add_text(tick, label, strlen(label));
    return true;
}

static bool reserve(struct cpu_state *cpu, size_t count)
{
    struct core *larger;

    if (count <= cpu->core_count)
        return true;
    larger = realloc(cpu->cores, count * sizeof *larger);
    if (larger == NULL)
        return false;
    memset(larger + cpu->core_count, 0, (count - cpu->core_count) * sizeof *larger);
    cpu->cores = larger;
    cpu->core_count = count;
    return true;
}

static void take_ticks(struct core *core, const integer_t *info)
{
    for (unsigned state = 0; state < CPU_STATE_MAX; state++) {
        uint32_t now = (uint32_t)info[state];

        core->sum[state] += core->announced ? (int64_t)(uint32_t)(now - core->ticks[state]) : now;
        core->ticks[state] = now;
    }
}

static void put_frequency(const struct cpu_state *cpu, size_t number, int64_t *values,
                          uint8_t *missing)
{
    const struct cpu_core_frequency *frequency;

    if (cpu->frequency.worker == NULL)
        return;
    missing[CPU_FREQUENCY_HZ] = MISSING_NOT_SAMPLED;
    if (cpu->frequencies == NULL)
        return;
    frequency = &cpu->frequencies[number];
    missing[CPU_FREQUENCY_HZ] = (uint8_t)frequency->missing;
    values[CPU_FREQUENCY_HZ] = frequency->missing == MISSING_NONE ? frequency->hz : 0;
}

static bool add_row(struct cpu_state *cpu, struct tick *tick, size_t number, const integer_t *info)
{
    struct core *core = &cpu->cores[number];
    uint8_t flags = core->announced ? 0 : ROW_FIRST;
    int64_t *values;
    uint8_t *missing;

    if (!core->announced && !announce(cpu, tick, number))
        return false;
    take_ticks(core, info);
    core->announced = true;
    if (tick_row_values(tick, TABLE_CPU, (uint32_t)number, flags, &values, &missing) == NULL)
        return false;
    values[CPU_USER_NS_TOTAL] = core->sum[CPU_STATE_USER] * US_PER_TICK;
    values[CPU_SYSTEM_NS_TOTAL] = core->sum[CPU_STATE_SYSTEM] * US_PER_TICK;
    values[CPU_IDLE_NS_TOTAL] = core->sum[CPU_STATE_IDLE] * US_PER_TICK;
    missing[CPU_USER_NS_TOTAL] = MISSING_NONE;
    missing[CPU_SYSTEM_NS_TOTAL] = MISSING_NONE;
    missing[CPU_IDLE_NS_TOTAL] = MISSING_NONE;
    put_frequency(cpu, number, values, missing);
    return true;
}

static enum status add_rows(struct cpu_state *cpu, struct tick *tick, const integer_t *info,
                            size_t count, struct error *err)
{
    size_t told = 0;

    if (!reserve(cpu, count))
        return error_set(err, STATUS_NO_MEMORY, "cores");
    cpu->frequencies = cpu_frequency_take(&cpu->frequency, tick, &told);
    if (told != count) /* nobody knows which is which */
        cpu->frequencies = NULL;
    for (size_t i = 0; i < count; i++)
        if (!add_row(cpu, tick, i, info + i * CPU_STATE_MAX))
            return error_set(err, STATUS_NO_MEMORY, "row of cpu_samples");
    cpu_frequency_used(&cpu->frequency, tick->start_ns);
    tick_sampled(tick, TABLE_CPU);
    return STATUS_OK;
}

static void cpu_begin(void *state, const struct tick *tick)
{
    cpu_frequency_begin(&((struct cpu_state *)state)->frequency, tick->start_ns);
}

static enum status cpu_collect(void *state, struct tick *tick, struct error *err)
{
    struct cpu_state *cpu = state;
    processor_info_array_t info = NULL;
    mach_msg_type_number_t size = 0;
    natural_t count = 0;
    kern_return_t result =
        host_processor_info(cpu->host, PROCESSOR_CPU_LOAD_INFO, &count, &info, &size);
    enum status st;

    if (result != KERN_SUCCESS)
        return error_set(err, STATUS_IO, "host_processor_info: %s", mach_error_string(result));
    if (count > CORES_MAX || size != count * CPU_STATE_MAX)
        st = error_set(err, STATUS_CORRUPT, "host_processor_info: %u numbers of %u cores", size,
                       count);
    else
        st = add_rows(cpu, tick, info, count, err);
    /* It was made for us, also when it makes no sense. */
    (void)vm_deallocate(mach_task_self(), (vm_address_t)info, size * sizeof *info);
    return st;
}

static void cpu_close(void *state)
{
    struct cpu_state *cpu = state;

    if (cpu == NULL)
        return;
    if (cpu->host != MACH_PORT_NULL)
        (void)mach_port_deallocate(mach_task_self(), cpu->host);
    cpu_frequency_close(&cpu->frequency);
    free(cpu->cores);
    free(cpu);
}

static enum status cpu_open(void **state, const struct collect_context *context,
                            struct capability *capability, struct error *err)
{
    struct cpu_state *cpu = calloc(1, sizeof *cpu);
    struct error why = { 0 };

    *state = cpu;
    if (cpu == NULL)
        return error_set(err, STATUS_NO_MEMORY, "cpu collector");
    *capability = (struct capability){ .status = CAPABILITY_OK };
    if (cpu_frequency_open(&cpu->frequency, context->root[0] == '\0', &why) != STATUS_OK) {
        capability->status = CAPABILITY_PARTIAL;
        (void)snprintf(capability->reason, sizeof capability->reason, "no frequency_hz: %.150s",
                       why.message);
    }
    cpu->host = mach_host_self(); /* once: each call gives another right */
    read_levels(cpu);
    return STATUS_OK;
}

static int64_t cpu_not_answering(const void *state)
{
    return worker_late(((const struct cpu_state *)state)->frequency.worker);
}

static int64_t cpu_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct cpu_state *)state)->frequency.worker);
}

const struct collector cpu_collector = {
    .name = "cpu",
    .description = "time and frequency of every core",
    .source = "host_processor_info; hw.perflevel*; IOReport (CPU Stats) and pmgr for frequencies",
    .needs = "nothing",
    .absence = "nice, iowait, irq and steal: Darwin does not tell them; frequency: Intel",
    .table = TABLE_CPU,
    .divisor = 1,
    .open = cpu_open,
    .begin = cpu_begin,
    .collect = cpu_collect,
    .close = cpu_close,
    .not_answering = cpu_not_answering,
    .other_cpu_ns = cpu_other_cpu_ns,
};
