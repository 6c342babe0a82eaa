/*
 * The same totals as aggregate_block, of samples that need not be read: from windows of rollups, and of
 * short lives from what is stored with their block. By process, all processes selected.
 */
#ifndef ANALYZER_AGGREGATE_TOLD_H
#define ANALYZER_AGGREGATE_TOLD_H

#include "analyzer/aggregate.h"
#include "analyzer/told.h"

/* Whether what is wanted of the aggregate can be told at all: no percentiles, nothing of gaps. */
bool aggregate_tellable(const struct aggregate *a);

/* Add the windows of a block of rollups that tell of samples in the window. */
MUST_USE enum status aggregate_windows(struct aggregate *a, const struct recording_block *rollup,
                                       const struct told *told, struct error *err);

/* Processes that have a row, ascending. */
struct aggregate_shown {
    const int64_t *process_id;
    size_t count;
};
/* What aggregate->put_off left out of that, of these. */
MUST_USE enum status aggregate_windows_of(struct aggregate *a, const struct recording_block *rollup,
                                          const struct told *told,
                                          const struct aggregate_shown *shown, struct error *err);

/* Add the lifetimes of a block of level 0 that is told of. */
MUST_USE enum status aggregate_lives(struct aggregate *a, const struct recording_block *block,
                                     struct error *err);

/*
 * Leave them out but for what they used together: aggregate_all_cpu and the counts of rows and resets
 * are then still right.
 */
void aggregate_lives_unseen(struct aggregate *a, const struct recording_block *block,
                            const struct block_sums *sums);
/* Counters that fell in the samples that are told of. */
void aggregate_falls(struct aggregate *a, const struct block_sums *sums);

#endif
