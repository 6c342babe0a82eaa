/*
 * Load averages, and how scarce the kernel tells programs that memory is.
 *
 *   source  sysctl vm.loadavg, kern.memorystatus_vm_pressure_level
 *   units   millionths of a task; 1, 2 and 4 are normal, warning and critical
 *   absent  time that tasks waited for a resource: Darwin does not count it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/entity_set.h"
#include "recorder/sysctl_macos.h"

enum { MEANS = 3, RESOURCES = 2, OF_CPU = 0, LEVELS_END = 5 };

static const char *const resources[RESOURCES] = { "cpu", "memory" };
static const int64_t million = 1000000;
/* index into the labels of pressure_samples.level, by the kernel's number */
static const int8_t levels[LEVELS_END] = { -1, 0, 1, -1, 2 };

struct pressure_state {
    struct entity_set set;
};

static void put_load(int64_t *values, uint8_t *missing)
{
    struct loadavg load;
    size_t size = sizeof load;
    bool told = sysctlbyname("vm.loadavg", &load, &size, NULL, 0) == 0 && size == sizeof load &&
                load.fscale > 0;

    for (int i = 0; i < MEANS; i++) {
        values[PRESSURE_LOAD_1M_PPM + i] = told ? load.ldavg[i] * million / load.fscale : 0;
        missing[PRESSURE_LOAD_1M_PPM + i] = told ? MISSING_NONE : MISSING_FAILED;
    }
}

static void put_level(int64_t *values, uint8_t *missing)
{
    int64_t level;
    bool told = sysctl_number("kern.memorystatus_vm_pressure_level", &level) && level >= 0 &&
                level < LEVELS_END && levels[level] >= 0;

    values[PRESSURE_LEVEL] = told ? levels[level] : 0;
    missing[PRESSURE_LEVEL] = told ? MISSING_NONE : MISSING_FAILED;
}

static enum status pressure_collect(void *state, struct tick *tick, struct error *err)
{
    struct pressure_state *pressure = state;

    entity_set_begin(&pressure->set);
    for (int i = 0; i < RESOURCES; i++) {
        struct entity_seen seen =
            entity_set_see(&pressure->set, tick, resources[i], resources[i], ENTITY_NO_SLOT);
        int64_t *values;
        uint8_t *missing;

        if (seen.slot == ENTITY_NO_SLOT ||
            tick_row_values(tick, TABLE_PRESSURE, seen.slot, seen.flags, &values, &missing) == NULL)
            return error_set(err, STATUS_NO_MEMORY, "row of pressure_samples");
        memset(values, 0, PRESSURE_METRIC_COUNT * sizeof *values);
        memset(missing, MISSING_UNSUPPORTED, PRESSURE_METRIC_COUNT);
        if (i == OF_CPU)
            put_load(values, missing);
        else
            put_level(values, missing);
    }
    entity_set_end(&pressure->set, tick);
    tick_sampled(tick, TABLE_PRESSURE);
    return STATUS_OK;
}

static void pressure_close(void *state)
{
    struct pressure_state *pressure = state;

    if (pressure == NULL)
        return;
    entity_set_release(&pressure->set);
    free(pressure);
}

static enum status pressure_open(void **state, const struct collect_context *context,
                                 struct capability *capability, struct error *err)
{
    struct pressure_state *pressure = calloc(1, sizeof *pressure);

    (void)context;
    *state = pressure;
    if (pressure == NULL)
        return error_set(err, STATUS_NO_MEMORY, "pressure collector");
    pressure->set.kind = ENTITY_RESOURCE;
    *capability = (struct capability){ .status = CAPABILITY_PARTIAL };
    (void)snprintf(capability->reason, sizeof capability->reason,
                   "load averages and the level of memory; Darwin does not count time that tasks "
                   "wait for a resource");
    return STATUS_OK;
}

const struct collector pressure_collector = {
    .name = "pressure",
    .description = "load averages, and how scarce memory is",
    .source = "vm.loadavg, kern.memorystatus_vm_pressure_level",
    .needs = "nothing",
    .absence = "time that tasks wait for a resource: Darwin does not count it",
    .table = TABLE_PRESSURE,
    .divisor = 1,
    .open = pressure_open,
    .collect = pressure_collect,
    .close = pressure_close,
};
