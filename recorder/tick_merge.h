/*
 * Two ticks that follow each other, as one: the later, which tells also what only the earlier told.
 * So a queue that is full gives up a tick without losing who was born, named or ended in it;
 * counters cover the time of both.
 */
#ifndef RECORDER_TICK_MERGE_H
#define RECORDER_TICK_MERGE_H

#include "schema/tick.h"

/* What is known of a slot while two ticks are merged. */
struct slot_note {
    uint32_t row; /* of the later tick's table, from 1; 0: none */
    bool given_up;
};

/* Scratch of the merging, kept from one to the next; zero-initialised is ready. */
struct tick_merge {
    struct slot_note *slot; /* [slot_size], all zero in between */
    size_t slot_size;
};

void tick_merge_release(struct tick_merge *merge);

/*
 * Put into `later` what only `earlier` tells: births, names, exits, entities and events, before its
 * own; the last row of what ended in between; the values behind ROW_SAME; tables and metrics that
 * `later` did not sample. `earlier` is good for tick_reset only.
 *
 *   shape    *lost: processes of which nothing, or not the end, is told: their slot has another
 *            process in `later`, or `brief` is set and they began and ended in `earlier`
 *   returns  false: memory is out, and both are as they were
 */
MUST_USE bool tick_merge(struct tick_merge *merge, struct tick *later, struct tick *earlier,
                         bool brief, int64_t *lost);

#endif
