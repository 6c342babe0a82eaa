/*
 * The columns of a slice without their repetitions: what each series was before its first sample
 * of the block, and at each sample at which anything changed. A tenth of the dense columns, and of
 * their memory traffic.
 */
#ifndef ANALYZER_EXPORT_COMPACT_H
#define ANALYZER_EXPORT_COMPACT_H

#include "analyzer/export_walk.h"

struct compact_column {
    bool decoded;     /* false: all is missing */
    int64_t *value;   /* per series: before its samples, then at each active one */
    uint8_t *missing; /* [rows of the slice], NULL: none is */
    size_t value_size, missing_size;
    uint8_t *missing_store;
};

/* Zero-initialised is ready; memory is kept from slice to slice. */
struct compact {
    struct compact_column column[TABLE_METRICS_MAX];
    struct block_column dense; /* one at a time */
    size_t first_series, first_row, first_active;
};
void compact_release(struct compact *compact);

/* Series [first_series, end_series) of the slice: all of its table's, or one group. */
MUST_USE enum status compact_decode(struct compact *compact, const struct export *e,
                                    const struct export_slice *slice, struct error *err);

/* Index in compact_column.value of what was before the first sample; the n-th active is n after. */
static inline size_t compact_value_at(const struct compact *compact,
                                      const struct block_table *table, size_t series)
{
    return table->active_at[series] - compact->first_active + (series - compact->first_series);
}

/* Index in compact_column.missing of a series' first sample. */
static inline size_t compact_row(const struct compact *compact, const struct block_table *table,
                                 size_t series)
{
    return table->row[series] - compact->first_row;
}

#endif
