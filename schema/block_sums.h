/*
 * What a block row says of the block's processes, so that a reader need not go over all samples and
 * lives to know it. Layout: schema/FORMAT.md, "Blocks".
 */
#ifndef SCHEMA_BLOCK_SUMS_H
#define SCHEMA_BLOCK_SUMS_H

#include "schema/rollup.h"

/* Of lifetimes; bounds are at most a quarter above what they hold for. */
struct block_sums {
    int64_t falls[TABLE_METRICS_MAX]; /* how often a counter was less than its sample before */
    int64_t cpu_increase;             /* cpu_ns_total: of all of them */
    int64_t cpu_rate_bound;           /* the largest rate of one */
    int64_t bound[TABLE_METRICS_MAX]; /* counter: the largest increase of one; gauge: value */
};

/* Add one lifetime. shape: cells[metric_count] */
void block_sums_add_life(struct block_sums *sums, const struct build_shape *shape,
                         const struct rollup_cell cells[]);

void block_sums_put(const struct block_sums *sums, unsigned metric_count, struct byte_writer *w);
/* False: these are not sums of at most TABLE_METRICS_MAX metrics. */
MUST_USE bool block_sums_take(struct block_sums *sums, struct byte_reader *r);

#endif
