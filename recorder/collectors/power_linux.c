/*
 * Energy and power by rail, every ten seconds.
 *
 *   source  /sys/class/powercap: RAPL of Intel and AMD with its nested zones and psys, energy_uj,
 *           max_energy_range_uj, constraint_0_power_limit_uw; /sys/class/hwmon: energy*_input, power*_input
 *           or _average, power*_cap, in*_input, curr*_input; /sys/class/power_supply: batteries
 *   units   uJ, uW, mV, mA, uV, uA
 *   absent  RAPL to users: since CVE-2020-8694 (Linux 5.10) only root may read energy_uj, from whose changes
 *           keys of others can be told; all of it in most virtual machines
 *
 * Slow by default, as reading costs an interrupt of each package and batteries a method of the firmware
 * each; a worker does it. Energy is counted from the first reading on, and wraps are undone
 * (recorder/collectors/energy.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/energy.h"
#include "recorder/collectors/rails_linux.h"
#include "recorder/worker.h"

enum { SLOTS_MORE = 32 };

#define PERIOD_NS INT64_C(10000000000)

struct power_state {
    struct entity_set set;
    struct worker *worker;
    struct rails *rails;   /* the worker's between kick and take */
    struct energy *energy; /* by slot */
    size_t slot_count;
};

static bool grow(struct power_state *power, uint32_t slot)
{
    size_t count = (size_t)slot + SLOTS_MORE;
    struct energy *larger;

    if (slot < power->slot_count)
        return true;
    larger = realloc(power->energy, count * sizeof *larger);
    if (larger == NULL)
        return false;
    memset(larger + power->slot_count, 0, (count - power->slot_count) * sizeof *larger);
    power->energy = larger;
    power->slot_count = count;
    return true;
}

/* What was read becomes what was used since recording began. */
static void count_energy(struct power_state *power)
{
    struct readings *readings = &power->rails->readings;

    for (size_t i = 0; i < readings->count; i++) {
        struct reading *item = &readings->item[i];
        struct energy *energy;

        if (item->missing[POWER_ENERGY_UJ_TOTAL] != MISSING_NONE ||
            item->seen.slot == ENTITY_NO_SLOT)
            continue;
        if (!grow(power, item->seen.slot)) {
            item->missing[POWER_ENERGY_UJ_TOTAL] = MISSING_FAILED;
            continue;
        }
        energy = &power->energy[item->seen.slot];
        if (item->seen.fresh)
            *energy = (struct energy){ 0 };
        item->value[POWER_ENERGY_UJ_TOTAL] =
            energy_read(energy, item->value[POWER_ENERGY_UJ_TOTAL], worker_kicked_ns(power->worker),
                        item->range, item->bound);
    }
}

static void power_begin(void *state, const struct tick *tick)
{
    worker_due(((struct power_state *)state)->worker, tick->start_ns);
}

static enum status add_rows(struct power_state *power, struct tick *tick, struct error *err)
{
    readings_see(&power->rails->readings, &power->set, tick);
    count_energy(power);
    return readings_add_rows(&power->rails->readings, tick, TABLE_POWER, POWER_METRIC_COUNT, err);
}

static enum status power_collect(void *state, struct tick *tick, struct error *err)
{
    struct power_state *power = state;
    enum status st;

    worker_report(power->worker, tick);
    if (!worker_take_later(power->worker, tick->start_ns, &st, err))
        return STATUS_OK;
    if (st == STATUS_OK)
        st = add_rows(power, tick, err);
    worker_used(power->worker, tick->start_ns);
    return st;
}

static void power_close(void *state)
{
    struct power_state *power = state;

    if (power == NULL)
        return;
    worker_stop(power->worker);
    free(power->energy);
    entity_set_release(&power->set);
    free(power);
}

static void describe(struct capability *capability, const struct rails_found *found)
{
    *capability = (struct capability){ .status = CAPABILITY_OK };
    if (found->refused > 0) {
        capability->status =
            found->others + found->energies > 0 ? CAPABILITY_PARTIAL : CAPABILITY_NOT_PERMITTED;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "RAPL (powercap) is there, but only root may read energy_uj, on purpose: "
                       "CVE-2020-8694");
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "run as root or as the service, which keep CAP_DAC_READ_SEARCH; not chmod, "
                       "which would open the side channel to all users");
    } else if (found->others + found->energies == 0) {
        capability->status = CAPABILITY_NOT_THERE;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "no RAPL (powercap), no power sensor of hwmon and no battery in /sys, as in "
                       "most virtual machines");
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "on x86 hardware: modprobe intel_rapl_msr (also for AMD)");
    }
}

static enum status power_open(void **state, const struct collect_context *context,
                              struct capability *capability, struct error *err)
{
    struct power_state *power = calloc(1, sizeof *power);
    struct rails *rails = calloc(1, sizeof *rails);
    const struct worker_job job = {
        .name = "power", .read = rails_read, .release = rails_release, .self = rails
    };
    struct rails_found found;

    *state = power;
    if (power == NULL || rails == NULL) {
        free(rails);
        return error_set(err, STATUS_NO_MEMORY, "power collector");
    }
    power->set.kind = ENTITY_RAIL;
    (void)snprintf(rails->root, sizeof rails->root, "%s", context->root);
    rails_look(rails, &found);
    describe(capability, &found);
    if (capability->status != CAPABILITY_OK && capability->status != CAPABILITY_PARTIAL) {
        rails_release(rails);
        return STATUS_OK;
    }
    power->rails = rails;
    return worker_start(&power->worker, &job, context->root[0] == '\0', err);
}

static int64_t power_not_answering(const void *state)
{
    return worker_late(((const struct power_state *)state)->worker);
}

static int64_t power_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct power_state *)state)->worker);
}

const struct collector power_collector = {
    .name = "power",
    .description = "energy and power of packages, boards and batteries, every 10 s",
    .source = "powercap (RAPL), hwmon and power_supply in /sys/class",
    .needs = "CAP_DAC_READ_SEARCH for RAPL, which only root may read since CVE-2020-8694",
    .absence = "no meter that the kernel has a driver for, as in most virtual machines",
    .table = TABLE_POWER,
    .divisor = 1,
    .period_ns = PERIOD_NS,
    .optional = true,
    .open = power_open,
    .begin = power_begin,
    .collect = power_collect,
    .close = power_close,
    .not_answering = power_not_answering,
    .other_cpu_ns = power_other_cpu_ns,
};
