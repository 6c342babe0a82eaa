/* What compare compares of programs: one column of report each, for a second of covered time. */
#ifndef ANALYZER_COMPARE_METRIC_H
#define ANALYZER_COMPARE_METRIC_H

#include <stdbool.h>

#include "schema/error.h"

enum compare_metric {
    COMPARE_CPU,
    COMPARE_MEMORY,
    COMPARE_READ,
    COMPARE_WRITTEN,
    COMPARE_CPU_ENERGY,
    COMPARE_GPU_ENERGY,
    COMPARE_GPU,
    COMPARE_METRICS,
};

/* What the covered seconds are that the column is divided by. */
enum compare_per {
    COMPARE_PER_WINDOW, /* those of the window's ticks */
    COMPARE_PER_HELD,   /* a mean: times the seconds that the row covers, by those of the window */
    COMPARE_PER_CPU, /* those in which the CPU packages' energy is known; without packages the window's */
    COMPARE_PER_GPU, /* those in which the GPUs' is */
};

struct compare_metric_kind {
    const char *name;   /* on the command line, and to machines */
    const char *column; /* of report */
    const char *title;
    const char *unit; /* of the rate, for people */
    enum compare_per per;
    double whole; /* what 1 is of the effect; 0: the host's cores, memory, or the devices' power */
    double least; /* a change below it means nothing, in the rate's unit */
};
extern const struct compare_metric_kind compare_metrics[COMPARE_METRICS];

/* errors  INVALID, naming what there is */
MUST_USE enum status compare_metric_find(const char *name, enum compare_metric *metric,
                                         struct error *err);

#endif
