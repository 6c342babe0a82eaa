/*
 * The part of a window whose samples were evicted: from rollups, process by process, where these are
 * left; else from usage by name, hour by hour. No tick is told of by both.
 *
 * By comm and by user, whole hours come from usage: exact sums, and nothing else. Otherwise rollups tell
 * what a process did, and one row holds what is known by name only. The same where processes are selected
 * by more than comm and user; then that row is among the others, as it cannot be told whose it is. A window
 * of a rollup counts for the version valid at its end. Of groups of processes they tell sums only: what
 * members did at the same time is not known any more.
 */
#ifndef ANALYZER_EVICTED_H
#define ANALYZER_EVICTED_H

#include "analyzer/aggregate.h"
#include "analyzer/host_total.h"
#include "analyzer/options.h"

struct evicted {
    bool any;         /* the window reaches into it */
    bool by_name;     /* whole hours come from usage alone */
    bool named;       /* who is selected can be told by name */
    int64_t until_ns; /* where samples begin */
    size_t hours;     /* whole ones, known by name */
    size_t cut_hours; /* of which usage cannot tell, as the window cuts them */
    int64_t hours_ns; /* start of the first of them; NO_TIME: there is none */
    size_t windows;   /* of rollups */
    int64_t covered_ns;
    bool host_known; /* what the cores did is told for all of it */
    /* Known by name only, where rows are not. */
    int64_t increase[MEASURE_COUNT];
    bool known[MEASURE_COUNT];
    int64_t process_count; /* short-lived ones */
};

/* When the evicted part of a recording begins that anything tells of; NO_TIME: there is none. */
int64_t evicted_since(struct recording *recording);

/*
 * Add what the window has of it to the groups and to the host's totals.
 *
 *   errors  CORRUPT, NO_MEMORY and the like
 */
MUST_USE enum status evicted_read(struct evicted *evicted, const struct subject *subject,
                                  struct aggregate *aggregate, struct host_total *host,
                                  struct error *err);

#endif
