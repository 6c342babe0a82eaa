/*
 *   source  IOReport, group "CPU Stats", subgroup "CPU Core Performance States"; pmgr_macos.h
 *   absent  Intel, virtual machines; cores whose states are not as many as their table has
 *
 * Cores are numbered as in recorder/collectors/cpu_macos.c: the slower kinds first, each by die,
 * cluster and core. So it is on M1; of later chips that is not verified. On M4 the states are those
 * asked for: one that heat slows down works at less.
 */
#include "recorder/collectors/cpu_frequency_macos.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/ioreport_macos.h"
#include "recorder/collectors/ioreport_name.h"
#include "recorder/collectors/pmgr_macos.h"

#define PERIOD_NS INT64_C(900000000) /* a tick each second may be early by a little */

static const struct ioreport_group core_states = { "CPU Stats", "CPU Core Performance States" };
static const char all_tiers[] = "EMP"; /* slowest first */

struct core {
    size_t channel;
    struct ioreport_core where;
    const struct frequency_table *table;
    bool known; /* `before` is */
    int state_count;
    int64_t before[IOREPORT_STATES_MAX];
    struct cpu_core_frequency frequency;
};

/* The worker's between kick and take. */
struct cpu_residency {
    struct ioreport *report;
    struct pmgr pmgr;
    size_t count;
    struct core core[CPU_CORES_MAX];
    struct cpu_core_frequency taken[CPU_CORES_MAX];
};

static bool is_wanted(const struct ioreport_channel *channel)
{
    struct ioreport_core core;

    return ioreport_core_of(channel->name, &core);
}

/* --- the worker's side --- */

static void read_core(struct core *core, const struct ioreport_channel *channel)
{
    struct frequency_state state[IOREPORT_STATES_MAX];
    bool comparable = core->known && core->state_count == channel->state_count;

    for (int i = 0; i < channel->state_count; i++)
        state[i] = (struct frequency_state){ channel->state[i].name, core->before[i],
                                             channel->state[i].residency };
    core->frequency.missing = MISSING_NOT_SAMPLED;
    if (!channel->there || channel->state_count == 0)
        core->frequency.missing = MISSING_FAILED;
    else if (comparable)
        core->frequency.missing =
            frequency_mean(state, (size_t)channel->state_count, core->table, &core->frequency.hz);
    if (channel->state_count == 0)
        return;
    for (int i = 0; i < channel->state_count; i++)
        core->before[i] = channel->state[i].residency;
    core->state_count = channel->state_count;
    core->known = true;
}

static enum status residency_read(void *self, struct error *err)
{
    struct cpu_residency *residency = self;

    if (ioreport_sample(residency->report, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < residency->count; i++) {
        struct core *core = &residency->core[i];

        read_core(core, ioreport_at(residency->report, core->channel));
        residency->taken[i] = core->frequency;
    }
    return STATUS_OK;
}

static void residency_release(void *self)
{
    struct cpu_residency *residency = self;

    ioreport_close(residency->report);
    free(residency);
}

/* --- cores --- */

static int rank(char tier)
{
    return (int)(strchr(all_tiers, tier) - all_tiers);
}

static int by_number(const void *a, const void *b)
{
    const struct ioreport_core *x = &((const struct core *)a)->where;
    const struct ioreport_core *y = &((const struct core *)b)->where;

    if (x->tier != y->tier)
        return rank(x->tier) - rank(y->tier);
    if (x->die != y->die)
        return x->die - y->die;
    return x->cluster != y->cluster ? x->cluster - y->cluster : x->core - y->core;
}

static void find_cores(struct cpu_residency *residency)
{
    char tiers[sizeof all_tiers] = "";
    size_t count = ioreport_count(residency->report);

    for (size_t i = 0; i < count && residency->count < CPU_CORES_MAX; i++) {
        struct core *core = &residency->core[residency->count];

        if (!ioreport_core_of(ioreport_at(residency->report, i)->name, &core->where))
            continue;
        core->channel = i;
        residency->count++;
    }
    qsort(residency->core, residency->count, sizeof residency->core[0], by_number);
    for (size_t i = 0; i < residency->count; i++)
        if (strchr(tiers, residency->core[i].where.tier) == NULL)
            tiers[strlen(tiers)] = residency->core[i].where.tier;
    pmgr_read(&residency->pmgr);
    for (size_t i = 0; i < residency->count; i++) {
        struct core *core = &residency->core[i];

        core->table = pmgr_table(&residency->pmgr, tiers, core->where.tier, core->where.cluster);
    }
}

static bool has_tables(const struct cpu_residency *residency)
{
    for (size_t i = 0; i < residency->count; i++)
        if (residency->core[i].table->count > 0)
            return true;
    return false;
}

/* --- the sampling thread's side --- */

enum status cpu_frequency_open(struct cpu_frequency *frequency, bool thread, struct error *err)
{
    struct cpu_residency *residency = calloc(1, sizeof *residency);
    const struct worker_job job = {
        .name = "cpu", .read = residency_read, .release = residency_release, .self = residency
    };
    enum status st;

    *frequency = (struct cpu_frequency){ .kicked = false };
    if (residency == NULL)
        return error_set(err, STATUS_NO_MEMORY, "frequencies");
    st = ioreport_open(&residency->report, &core_states, 1, is_wanted, err);
    if (st == STATUS_OK) {
        find_cores(residency);
        if (!has_tables(residency))
            st = error_set(err, STATUS_ABSENT, "pmgr tells no frequencies of its states");
    }
    if (st != STATUS_OK) {
        residency_release(residency);
        return st;
    }
    frequency->residency = residency;
    return worker_start(&frequency->worker, &job, thread, err);
}

void cpu_frequency_close(struct cpu_frequency *frequency)
{
    worker_stop(frequency->worker);
    *frequency = (struct cpu_frequency){ .kicked = false };
}

void cpu_frequency_begin(struct cpu_frequency *frequency, int64_t now_ns)
{
    if (frequency->worker == NULL ||
        (frequency->kicked && now_ns - frequency->kicked_ns < PERIOD_NS))
        return;
    frequency->kicked = true;
    frequency->kicked_ns = now_ns;
    worker_due(frequency->worker, now_ns);
}

const struct cpu_core_frequency *cpu_frequency_take(struct cpu_frequency *frequency,
                                                    struct tick *tick, size_t *count)
{
    struct error err;
    enum status st;

    if (frequency->worker == NULL)
        return NULL;
    worker_report(frequency->worker, tick);
    if (!worker_take_later(frequency->worker, tick->start_ns, &st, &err) || st != STATUS_OK)
        return NULL;
    *count = frequency->residency->count;
    return frequency->residency->taken;
}

void cpu_frequency_used(struct cpu_frequency *frequency, int64_t now_ns)
{
    if (frequency->worker != NULL)
        worker_used(frequency->worker, now_ns);
}
