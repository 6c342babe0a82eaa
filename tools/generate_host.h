/*
 * The rest of the host around the made-up processes: cores, memory and the recorder's own samples.
 * Core time adds up to the processes' time plus a remainder that the truth names.
 */
#ifndef TOOLS_GENERATE_HOST_H
#define TOOLS_GENERATE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/tick.h"
#include "tools/generate_random.h"
#include "tools/generate_shape.h"

enum { HOST_CORES_MAX = 8 };

struct host {
    int64_t cores;
    int64_t core_us[HOST_CORES_MAX][CPU_METRIC_COUNT]; /* exact; samples are rounded to 10 ms */
    int64_t busy_us;      /* of all cores since the first tick, exact */
    int64_t booted_us;    /* of that, before the host's last boot */
    int64_t processes_us; /* of that, what the processes consumed */
    int64_t recorder[4][RECORDER_METRIC_COUNT];
    int64_t memory_used_bytes;
    int64_t oom_kills;           /* since boot */
    const struct strain *strain; /* of this tick, or NULL */
};

void host_init(struct host *host, int64_t cores, struct random_source *random);

/* The host was restarted: what it counts begins anew. */
void host_reboot(struct host *host, struct random_source *random);

/* A new recorder start: entities are announced at the next tick, its own counters begin at 0. */
void host_restart(struct host *host);

/* The recorder missed ticks. */
void host_missed(struct host *host, int64_t ticks);

/* Add the rows of one tick, `awake_ns` after the last, in which processes consumed `run_us`. */
void host_tick(struct host *host, struct tick *tick, int64_t awake_ns, int64_t run_us,
               struct random_source *random);

#endif
