/* What one process has used: process_usage_macos.c. */
#ifndef RECORDER_COLLECTORS_PROCESS_USAGE_MACOS_H
#define RECORDER_COLLECTORS_PROCESS_USAGE_MACOS_H

#include <libproc.h>
#include <stdbool.h>
#include <stdint.h>

#include "schema/metric.h"

/* How it is read on this Mac. */
struct usage_source {
    int version;     /* of rusage_info: 6, 4 or 2 */
    uint64_t hz;     /* of the Mach clock */
    bool has_energy; /* the kernel charges energy: version 6, and no Intel */
};

enum usage_answer {
    USAGE_OK,
    USAGE_GONE,
    USAGE_DENIED, /* another user's process */
    USAGE_FAILED,
};

/* The newest version that this kernel knows, tried on ourselves; false: none is. */
bool usage_open(struct usage_source *source);

/* Also of a zombie: its last values. What the version does not have is 0. */
enum usage_answer usage_read(const struct usage_source *source, int32_t pid,
                             struct rusage_info_v6 *usage);
/* Threads and faults; not of a zombie. */
enum usage_answer usage_read_task(int32_t pid, struct proc_taskinfo *task);
/*
 * The number that no other process ever has, of everybody's; 0: it cannot be read. *version (NULL: not
 * wanted) is another one after each exec, also of the same program; 0: not known.
 */
uint64_t usage_read_unique(int32_t pid, uint32_t *version);
/* The wait status of a zombie of our own; -1: it is not known. */
int32_t usage_read_status(int32_t pid);

/* As values of process_samples. */
void usage_put(const struct usage_source *source, const struct rusage_info_v6 *usage,
               int64_t values[PROCESS_METRIC_COUNT], uint8_t missing[PROCESS_METRIC_COUNT]);
void usage_put_task(const struct proc_taskinfo *task, int64_t values[PROCESS_METRIC_COUNT],
                    uint8_t missing[PROCESS_METRIC_COUNT]);
/* All that usage_put_task puts, with that reason. */
void usage_miss_task(enum missing why, int64_t values[PROCESS_METRIC_COUNT],
                     uint8_t missing[PROCESS_METRIC_COUNT]);
/* And usage_put, too. */
void usage_miss(const struct usage_source *source, enum missing why,
                int64_t values[PROCESS_METRIC_COUNT], uint8_t missing[PROCESS_METRIC_COUNT]);

/* The columns that usage_put_task puts. */
extern const uint64_t usage_task_columns;

#endif
