/* What the collector of recorder_samples needs to be told beyond its context. */
#ifndef RECORDER_COLLECTORS_RECORDER_COLLECTOR_H
#define RECORDER_COLLECTORS_RECORDER_COLLECTOR_H

#include "recorder/collector.h"
#include "recorder/recorder_stats.h"

extern const struct collector recorder_collector;

/*
 * Give it the recorder's own numbers, which must outlive it, and the state of the process
 * collector or NULL. Until then its rows hold what the system says about our process only.
 */
void recorder_collector_attach(void *state, const struct recorder_stats *stats,
                               const void *process_state);

#endif
