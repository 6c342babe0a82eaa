/* Rows of a timeline on their way to a file. */
#ifndef ANALYZER_TIMELINE_PRINT_H
#define ANALYZER_TIMELINE_PRINT_H

#include "analyzer/timeline_columns.h"

/*
 * Read the subject's window and print the chosen columns of every bucket; a bucket in which
 * nothing was sampled is a row without figures.
 *
 *   errors  whatever reading and writing return
 */
MUST_USE enum status timeline_print(struct timeline *t, const struct timeline_columns *columns,
                                    const struct subject *subject, FILE *file,
                                    const struct output_options *options, struct error *err);

#endif
