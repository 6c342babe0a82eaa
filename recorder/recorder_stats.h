/* What the recorder knows about itself at a tick; recorder_samples is made of it. */
#ifndef RECORDER_RECORDER_STATS_H
#define RECORDER_RECORDER_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COLLECTORS_MAX = 32 };

struct collector_cost {
    const char *name;
    int64_t calls, failures;
    int64_t cpu_ns; /* of the sampling thread, in this collector */
    bool waits;     /* it asks what may not answer: */
    int64_t not_answering;
};

/* Written by the sampling thread, between and during ticks; read by it only. */
struct recorder_stats {
    struct collector_cost collector[COLLECTORS_MAX]; /* those that run, in recording order */
    size_t collector_count;
    int64_t ticks;       /* collected so far, this one included */
    int64_t lateness_ns; /* of this tick; -1: it had no deadline */
    int64_t ticks_missed, ticks_dropped;
};

#endif
