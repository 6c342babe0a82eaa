/*
 * How one figure of a report comes about, so that a person can redo the sum: what the column means, the samples
 * or readings it is made of, what was not covered, and the figure.
 *
 * The report is made twice: as it was asked for, which finds the row and its figure, and from samples with a
 * listener (analyzer/trace.h), whose lines are printed. Lines of many samples stand for a stretch each. What is
 * printed is added up again and compared, so an explanation that does not hold says so.
 */
#ifndef ANALYZER_CELL_H
#define ANALYZER_CELL_H

#include "analyzer/report.h"

/* A cell as it was asked for. */
struct cell {
    const struct report_column *column;
    const char *row; /* [row_size] */
    size_t row_size;
    size_t gpu_column; /* by GPU: which of report_gpu_columns it is */
    const char *asked; /* the whole question, as it was written */
};

/*
 * Understand ROW:COLUMN; `devices`: rows are GPUs.
 *
 *   shape   text stays in use; cell->asked is left to the caller
 *   errors  INVALID: no such column, or one that is no figure, in words
 */
MUST_USE enum status cell_parse(struct cell *cell, const char *text, bool devices,
                                struct error *err);

/*
 * Make the report, find the row, and write how its figure comes about.
 *
 *   shape   *report has its options and has not been read; its columns are not looked at
 *   errors  INVALID: no such row, or several; UNSUPPORTED: the lines do not add up to the figure (they are
 *           printed nevertheless); whatever report_read returns
 */
MUST_USE enum status cell_explain(struct report *report, const struct cell *cell,
                                  const struct subject *subject, FILE *file,
                                  const struct output_options *options, struct error *err);

#endif
