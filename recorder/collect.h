/* The collectors of this recording: opens them, runs them for one tick, counts what they cost. */
#ifndef RECORDER_COLLECT_H
#define RECORDER_COLLECT_H

#include "recorder/budget.h"
#include "recorder/collector.h"
#include "recorder/recorder_stats.h"

struct collect_entry {
    const struct collector *collector;
    void *state;
    struct capability capability;
    bool running;
    size_t cost;        /* its place in stats.collector, when running */
    int64_t divisor;    /* it is due at every so many ticks */
    int64_t own_cpu_ns; /* of the sampling thread */
};

struct collect {
    struct collect_entry entries[COLLECTORS_MAX];
    size_t count;
    struct recorder_stats stats;
    struct budget budget; /* set limit_ppm after opening; items are in the order of costs */
    const struct clock *clock;
    struct error last_failure; /* of a collector, for the log */
};

/*
 * Open the collectors of `list`. One that cannot work here is kept for its capability only.
 *
 *   shape   `only`: names separated by commas, or NULL for all
 *   errors  INVALID for a name in `only` that is not in the list, or none left; NO_MEMORY
 *   owns    the collectors' states, until collect_close; `context` must outlive that
 */
MUST_USE enum status collect_open(struct collect *collect, const struct collector *const list[],
                                  size_t count, const struct collect_context *context,
                                  const char *only, struct error *err);

/* Accepts a zeroed collect. */
void collect_close(struct collect *collect);

/*
 * Run every collector whose turn it is. One that fails is counted, its rows of this tick are
 * dropped, and the others go on; false then, and last_failure says which and why.
 */
bool collect_tick(struct collect *collect, struct tick *tick);

/* Only take what threads of collectors have read, as at a tick at which no collector is due. */
void collect_answers(struct collect *collect, struct tick *tick);

/* Whether that works here, or partly. */
bool capability_works(const struct capability *capability);

/* The state of a collector that is running, else NULL. */
void *collect_state(const struct collect *collect, const struct collector *collector);

#endif
