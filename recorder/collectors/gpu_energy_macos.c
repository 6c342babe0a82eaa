/*
 *   source  IOReport: "GPU Energy" of the group "Energy Model", of each die; "GPUPH" of the group
 *           "GPU Stats", subgroup "GPU Performance States"; pmgr_macos.h for frequencies
 *   units   mostly nJ since the host started, told by the label; time in each state
 *   absent  Intel, virtual machines; energy that stands still while the GPU works
 */
#include "recorder/collectors/gpu_energy_macos.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/collectors/ioreport_macos.h"
#include "recorder/collectors/ioreport_name.h"
#include "recorder/collectors/pmgr_macos.h"

#define STALL_NS INT64_C(5000000000)

static const struct ioreport_group groups[] = { { "Energy Model", NULL },
                                                { "GPU Stats", "GPU Performance States" } };

struct gpu_energy {
    struct ioreport *report;
    struct pmgr pmgr;
    int64_t uj, busy_ns,
        since_ns; /* energy, how much it had worked then, and since when it is that */
    bool known;
    int state_count; /* of the sample before; 0: there was none */
    int64_t before[IOREPORT_STATES_MAX];
};

static bool is_states(const struct ioreport_channel *channel)
{
    return strcmp(channel->name, "GPUPH") == 0;
}

static bool is_wanted(const struct ioreport_channel *channel)
{
    return is_states(channel) || (strcmp(channel->group, groups[0].group) == 0 &&
                                  ioreport_rail_of(channel->name) == IOREPORT_RAIL_GPU);
}

enum status gpu_energy_open(struct gpu_energy **opened, struct error *err)
{
    struct gpu_energy *energy = calloc(1, sizeof *energy);
    enum status st;

    *opened = NULL;
    if (energy == NULL)
        return error_set(err, STATUS_NO_MEMORY, "energy of GPUs");
    st = ioreport_open(&energy->report, groups, COUNT_OF(groups), is_wanted, err);
    if (st != STATUS_OK) {
        free(energy);
        return st;
    }
    pmgr_read(&energy->pmgr);
    *opened = energy;
    return STATUS_OK;
}

void gpu_energy_close(struct gpu_energy *energy)
{
    if (energy == NULL)
        return;
    ioreport_close(energy->report);
    free(energy);
}

/* Of all dies together; one that does not tell leaves no sum. */
static enum missing sum_energy(const struct ioreport *report, int64_t *uj)
{
    enum missing why = MISSING_UNSUPPORTED;
    int64_t one;

    *uj = 0;
    for (size_t i = 0; i < ioreport_count(report); i++) {
        const struct ioreport_channel *channel = ioreport_at(report, i);

        if (is_states(channel))
            continue;
        why = channel->there ? ioreport_energy_uj(channel->unit, channel->value, &one)
                             : MISSING_FAILED;
        if (why == MISSING_NONE && __builtin_add_overflow(*uj, one, uj))
            why = MISSING_FAILED;
        if (why != MISSING_NONE)
            return why;
    }
    return why;
}

/* Whether it has used nothing for long, and worked all the same. */
static bool has_stalled(struct gpu_energy *energy, int64_t uj, const struct gpu_report *gpu)
{
    int64_t now_ns = (int64_t)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
    bool counts = gpu->missing[GPU_BUSY_NS_TOTAL] == MISSING_NONE;
    int64_t busy_ns = counts ? gpu->values[GPU_BUSY_NS_TOTAL] : energy->busy_ns;

    if (!energy->known || uj != energy->uj) {
        energy->known = true;
        energy->uj = uj;
        energy->busy_ns = busy_ns;
        energy->since_ns = now_ns;
    }
    return now_ns - energy->since_ns >= STALL_NS && busy_ns > energy->busy_ns;
}

static void put_clock(struct gpu_energy *energy, const struct ioreport_channel *channel,
                      struct gpu_report *gpu)
{
    struct frequency_state state[IOREPORT_STATES_MAX];
    enum missing why = MISSING_NOT_SAMPLED;
    int64_t hz = 0;

    for (int i = 0; i < channel->state_count; i++)
        state[i] = (struct frequency_state){ channel->state[i].name, energy->before[i],
                                             channel->state[i].residency };
    if (!channel->there || channel->state_count == 0)
        why = MISSING_FAILED;
    else if (energy->state_count == channel->state_count)
        why = frequency_mean(state, (size_t)channel->state_count, &energy->pmgr.gpu, &hz);
    gpu->missing[GPU_CORE_CLOCK_HZ] = (uint8_t)why;
    gpu->values[GPU_CORE_CLOCK_HZ] = why == MISSING_NONE ? hz : 0;
    for (int i = 0; i < channel->state_count; i++)
        energy->before[i] = channel->state[i].residency;
    energy->state_count = channel->state_count;
}

void gpu_energy_read(struct gpu_energy *energy, struct gpu_report *gpu)
{
    struct error err;
    int64_t uj = 0;
    enum missing why;

    if (ioreport_sample(energy->report, &err) != STATUS_OK) {
        gpu->missing[GPU_ENERGY_UJ_TOTAL] = gpu->missing[GPU_CORE_CLOCK_HZ] = MISSING_FAILED;
        return;
    }
    why = sum_energy(energy->report, &uj);
    if (why == MISSING_NONE && has_stalled(energy, uj, gpu))
        why = MISSING_FAILED;
    gpu->missing[GPU_ENERGY_UJ_TOTAL] = (uint8_t)why;
    gpu->values[GPU_ENERGY_UJ_TOTAL] = why == MISSING_NONE ? uj : 0;
    for (size_t i = 0; i < ioreport_count(energy->report); i++)
        if (is_states(ioreport_at(energy->report, i)))
            put_clock(energy, ioreport_at(energy->report, i), gpu);
}
