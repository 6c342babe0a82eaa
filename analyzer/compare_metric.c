/* The metrics and what of them means anything: COMPARE.md says why they are what they are. */
#include "analyzer/compare_metric.h"

#include <stdio.h>
#include <string.h>

#define MIB 1048576.0

const struct compare_metric_kind compare_metrics[COMPARE_METRICS] = {
    [COMPARE_CPU] = { "cpu", "cpu_seconds", "CPU", "cores", COMPARE_PER_WINDOW, 0, 0.02 },
    [COMPARE_MEMORY] = { "memory", "resident_bytes_mean", "memory", "bytes", COMPARE_PER_HELD, 0,
                         16 * MIB },
    [COMPARE_READ] = { "disk_read", "disk_read_bytes", "read from disks", "bytes/s",
                       COMPARE_PER_WINDOW, 100e6, 100e3 },
    [COMPARE_WRITTEN] = { "disk_written", "disk_written_bytes", "written to disks", "bytes/s",
                          COMPARE_PER_WINDOW, 100e6, 100e3 },
    [COMPARE_CPU_ENERGY] = { "cpu_energy", "cpu_energy_joules", "CPU power", "W", COMPARE_PER_CPU,
                             0, 0.1 },
    [COMPARE_GPU_ENERGY] = { "gpu_energy", "gpu_energy_joules", "GPU power", "W", COMPARE_PER_GPU,
                             0, 0.5 },
    [COMPARE_GPU] = { "gpu", "gpu_seconds", "GPU time", "GPUs", COMPARE_PER_WINDOW, 1, 0.02 },
};

enum status compare_metric_find(const char *name, enum compare_metric *metric, struct error *err)
{
    char known[200] = "";
    size_t used = 0;

    for (size_t m = 0; m < COMPARE_METRICS; m++) {
        if (strcmp(name, compare_metrics[m].name) == 0) {
            *metric = (enum compare_metric)m;
            return STATUS_OK;
        }
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                 m == 0                     ? ""
                                 : m + 1 == COMPARE_METRICS ? " or "
                                                            : ", ",
                                 compare_metrics[m].name);
    }
    return error_set(err, STATUS_INVALID, "--sort %.40s: it is %s", name, known);
}
