/* --list-collectors: what works here, why the rest does not, and how to get it. */
#ifndef RECORDER_LIST_COLLECTORS_H
#define RECORDER_LIST_COLLECTORS_H

#include <stdbool.h>
#include <stdio.h>

#include "recorder/collect.h"

/*
 * Print the opened collectors as a table for people, or as a JSON array of objects. Each that works is
 * run some times, to tell what it costs here.
 *
 *   errors  NO_MEMORY; IO when `out` takes no more
 */
MUST_USE enum status list_collectors(struct collect *collect, const struct collect_context *context,
                                     bool json, FILE *out, struct error *err);

#endif
