/* The blocks of a table that a window touches, decoded slice by slice. */
#ifndef ANALYZER_EXPORT_WALK_H
#define ANALYZER_EXPORT_WALK_H

#include "analyzer/export.h"

/* Decoded series of one block; a whole block where that fits into EXPORT_SLICE_BYTES. */
struct export_slice {
    const struct recording_block *block;
    const struct block_table *table;
    const struct block_column *column; /* by position in table->shape */
    const bool *decoded;               /* false: all of that column is missing */
    size_t first_series, end_series;
    uint32_t first_tick, end_tick; /* of the table's ticks: those in the window */
};

#define EXPORT_SLICE_BYTES ((size_t)1 << 30)

typedef enum status export_visit(void *context, const struct export_slice *slice,
                                 struct error *err);

/*
 * Visit the samples of a table that lie in the window: at level 0 from < time <= to; at the
 * others every window that shares time with it.
 *
 *   errors  the visitor's; a damaged block is left out and remembered in `e`
 */
MUST_USE enum status export_walk(struct export *e, const struct recording_table *table,
                                 unsigned level, export_visit *visit, void *context,
                                 struct error *err);

#endif
