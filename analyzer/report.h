/* Rows in order, the remainder below them, and how far all of it can be trusted. */
#ifndef ANALYZER_REPORT_H
#define ANALYZER_REPORT_H

#include "analyzer/coverage.h"
#include "analyzer/evicted.h"
#include "analyzer/host_total.h"
#include "analyzer/options.h"
#include "analyzer/report_columns.h"

enum { REPORT_COLUMNS_MAX = 64 };

/* What is printed, and the data it comes from. */
struct report {
    const struct report_column *column[REPORT_COLUMNS_MAX];
    size_t column_count;
    bool titles; /* short headers instead of the names */
    const struct report_column *sort;
    bool ascending;
    size_t top;     /* rows */
    bool remainder; /* rows for what no shown row has */
    struct aggregate aggregate;
    struct host_total host;
    struct coverage coverage;
    struct evicted evicted;
};

/* What the chosen columns need; before aggregate_begin. */
void report_want(struct report *report);

/*
 * Read the subject's window.
 *
 *   errors  whatever reading returns; the message of CORRUPT says how much was read
 */
MUST_USE enum status report_read(struct report *report, const struct subject *subject,
                                 struct error *err);

/* Write rows and notes. */
MUST_USE enum status report_print(struct report *report, const struct subject *subject, FILE *file,
                                  const struct output_options *options, struct error *err);
void report_release(struct report *report);

#endif
