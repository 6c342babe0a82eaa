/* Telling a listener (analyzer/trace.h) what is added to the figures of its row. */
#ifndef ANALYZER_AGGREGATE_TRACE_H
#define ANALYZER_AGGREGATE_TRACE_H

#include "analyzer/aggregate.h"

/* A run of samples of the column that is loaded; `before`: the walk as it was before the run. */
MUST_USE enum status aggregate_tell_run(struct aggregate *a, enum measure m,
                                        const struct rate_walk *before, const struct rate_run *run,
                                        struct error *err);

/* What the members of a group come to at a tick, and what of the time came to covered time. */
MUST_USE enum status aggregate_tell_tick(struct aggregate *a, enum measure m, uint32_t tick,
                                         int64_t value, int64_t dt_ns, int64_t covered_ns,
                                         struct error *err);

#endif
