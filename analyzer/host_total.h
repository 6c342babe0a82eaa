/* What the whole host did in a window: the other side of every sum over processes. */
#ifndef ANALYZER_HOST_TOTAL_H
#define ANALYZER_HOST_TOTAL_H

#include "analyzer/rate.h"

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
    bool (*wanted)(void *context, int64_t window_ns); /* windows of rollups; NULL: samples */
    void *wanted_context;
    struct block_column uncovered; /* of the column loaded last */
};

void host_total_begin(struct host_total *host, struct recording *recording,
                      const struct window *window);
/* Add one block: cores from cpu_samples, exact busy time and losses from recorder_samples. */
MUST_USE enum status host_total_block(struct host_total *host, const struct recording_block *block,
                                      const struct block_ticks *ticks, struct error *err);
/* Add the windows of a block of a coarser level that `wanted` says yes to. */
typedef bool window_wanted(void *context, int64_t window_ns);
MUST_USE enum status host_total_rollup(struct host_total *host, const struct recording_block *block,
                                       const struct block_ticks *ticks, window_wanted *wanted,
                                       void *context, struct error *err);
/* Once all blocks are in: choose the basis. covered_ns: what the window's ticks cover. */
void host_total_end(struct host_total *host, int64_t covered_ns);
void host_total_release(struct host_total *host);

#endif
