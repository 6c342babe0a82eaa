/* What the whole host did in a window: the other side of every sum over processes. */
#ifndef ANALYZER_HOST_TOTAL_H
#define ANALYZER_HOST_TOTAL_H

#include "analyzer/rate.h"

enum host_part {
    HOST_CORES = 1,   /* cpu_samples */
    HOST_PROGRAM = 2, /* exact busy time and losses: recorder_samples */
    HOST_ALL = HOST_CORES | HOST_PROGRAM,
};

/* Which windows of rollups are to be read. */
struct host_windows {
    bool (*wanted)(void *self, enum host_part part, int64_t window_ns);
    void *self;
};

/* Microseconds, summed over cores; time in gaps is left out. */
struct host_total {
    /* results */
    bool known; /* cores were recorded */
    bool exact; /* busy_us is the usage of the root cpuacct group, not the cores' tick fields */
    size_t cores;
    int64_t busy_us, idle_us, stolen_us;
    int64_t total_us;                                /* of the three */
    int64_t ticks_missed, ticks_dropped, exits_lost; /* -1: not recorded */
    /* private */
    struct window window;
    struct rate_block cpu, recorder;
    int64_t elapsed_ns, cpuacct_us, cpuacct_ns;
    const struct host_windows *wanted; /* of rollups; NULL: samples */
    enum host_part part;               /* being added */
    struct block_column uncovered;     /* of the column loaded last */
};

void host_total_begin(struct host_total *host, struct recording *recording,
                      const struct window *window);
/* Add one block, or some parts of it. */
MUST_USE enum status host_total_block(struct host_total *host, const struct recording_block *block,
                                      const struct block_ticks *ticks, enum host_part parts,
                                      struct error *err);
/* Add the windows of a block of a coarser level that are wanted. */
MUST_USE enum status host_total_rollup(struct host_total *host, const struct recording_block *block,
                                       const struct block_ticks *ticks,
                                       const struct host_windows *windows, struct error *err);
/* Once all blocks are in: choose the basis. covered_ns: what the window's ticks cover. */
void host_total_end(struct host_total *host, int64_t covered_ns);
void host_total_release(struct host_total *host);

#endif
