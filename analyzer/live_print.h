/* Frames of `procscope live` as tables for people, or as rows of one CSV, JSON or NDJSON. */
#ifndef ANALYZER_LIVE_PRINT_H
#define ANALYZER_LIVE_PRINT_H

#include <stdio.h>

#include "analyzer/live_frame.h"
#include "analyzer/output.h"
#include "analyzer/zone.h"

/* A line about the host, and a table of the first `rows` processes, cut to `columns` (0: never). */
MUST_USE enum status live_print_table(const struct live_frame *frame, const struct live_view *view,
                                      size_t rows, size_t columns, bool colour, FILE *out,
                                      struct error *err);

/* Rows of all frames in one output. Begin with it, end with output_close. errors NO_MEMORY */
MUST_USE enum status live_print_begin(struct output *o, FILE *out,
                                      const struct output_options *options, struct error *err);
/* The host's row, then up to `rows` processes; they are in the file when it returns. */
MUST_USE enum status live_print_rows(struct output *o, const struct live_frame *frame, size_t rows,
                                     struct error *err);

#endif
