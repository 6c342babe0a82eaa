/*
 * What the names and units of IOReport's channels mean. They differ from chip to chip and from one version of macOS to
 * the next, so what is not understood is refused, and never guessed.
 */
#ifndef RECORDER_IOREPORT_NAME_H
#define RECORDER_IOREPORT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/metric.h"

/*
 * So many of a unit as microjoules, rounded down. The label may have blanks around it.
 *
 *   errors  UNSUPPORTED: the label is none of mJ, uJ, µJ, nJ, pJ; FAILED: no energy, or too much
 */
enum missing ioreport_energy_uj(const char *label, int64_t value, int64_t *uj);

enum ioreport_rail {
    IOREPORT_RAIL_NONE,    /* part of another one, or of no interest */
    IOREPORT_RAIL_CPU,     /* all cores of a die */
    IOREPORT_RAIL_CLUSTER, /* in that of its die */
    IOREPORT_RAIL_GPU,
    IOREPORT_RAIL_OTHER, /* neural engine, memory, memory of the GPU */
};
/* Of a channel of the group "Energy Model". */
enum ioreport_rail ioreport_rail_of(const char *name);

/* Where a core is, of a channel of "CPU Core Performance States". */
struct ioreport_core {
    char tier; /* 'E', 'M' or 'P' */
    int die, cluster, core;
};
bool ioreport_core_of(const char *name, struct ioreport_core *core);

/* Whether a state is one in which nothing runs, or none of its own (NON_IDLE). */
bool ioreport_state_is_idle(const char *name);

#endif
