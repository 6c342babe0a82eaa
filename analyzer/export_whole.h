/*
 * Exports of more than one table, by way of SQL: a database of plain tables, and OpenMetrics.
 *
 * OpenMetrics: a metric is procscope_TABLE_METRIC in base units, its labels are who a series is; times are
 * those of the samples, a missing value has no line. Metrics of states are left out. A text that is
 * not UTF-8, or has control characters, is escaped as in CSV.
 */
#ifndef ANALYZER_EXPORT_WHOLE_H
#define ANALYZER_EXPORT_WHOLE_H

#include "analyzer/options.h"

/*
 * As options->whole says: "sqlite" or "openmetrics", of the subject's window.
 *
 *   shape   table: this one only; NULL: all, without _60 and _3600
 *   errors  INVALID: what cannot be asked of this format; CORRUPT: some of it is damaged, so there is no file
 */
MUST_USE enum status export_whole(const struct options *options, const struct subject *subject,
                                  const char *table, struct error *err);

#endif
