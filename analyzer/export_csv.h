/*
 * Samples as CSV, fast: the text of a series' row is kept from tick to tick, and only what changed
 * is written into it. The bytes are those of export_rows().
 */
#ifndef ANALYZER_EXPORT_CSV_H
#define ANALYZER_EXPORT_CSV_H

#include "analyzer/export.h"

/* errors IO, NO_MEMORY; damage is kept in `e` */
MUST_USE enum status export_csv(struct export *e, const struct recording_table *table,
                                struct error *err);

#endif
