/* What is kept of a metric over a window or a life, as columns and cells. */
#ifndef ANALYZER_EXPORT_PART_H
#define ANALYZER_EXPORT_PART_H

#include "analyzer/export_rows.h"
#include "schema/rollup.h"

enum export_total {
    EXPORT_LAST,     /* counters: the running total at the end */
    EXPORT_INCREASE, /* counters: what was added */
};

/* Append the columns of one metric. */
MUST_USE enum status export_part_columns(struct export_layout *layout, size_t metric,
                                         enum export_total total, struct error *err);

/* Its cells, as many; returns the next free one. digits: one buffer per cell. */
struct output_cell *export_part_cells(const struct export_metric *metric,
                                      const struct rollup_cell *part, enum export_total total,
                                      char (*digits)[EXPORT_DIGITS], struct output_cell *cell);

/* A 128-bit number in decimal, at most EXPORT_DIGITS bytes; returns the end. */
char *export_put_int128(char *out, int128 value);

#endif
