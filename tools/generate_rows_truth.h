/*
 * All that goes into a recording, tick by tick, as CSV files: the truth that `procscope export` is compared
 * with.
 *
 *   TABLE.csv    of each table of samples: time_ns, key (two of tables with two), then its metrics in stored
 *                units (schema/metric.h), states as their number; "!N" is a value missing with reason N.
 *                A process's key is its pid and start, PID@START_NS, another's its key in hex
 *   event.csv    at_ns,duration_ns,value,kind,detail     texts in hex
 *   entity.csv   kind,key,label,parent_key               once a session; texts in hex
 *
 * Written from the ticks as the writer gets them; what a row that says "as before" was before is kept here.
 */
#ifndef TOOLS_GENERATE_ROWS_TRUTH_H
#define TOOLS_GENERATE_ROWS_TRUTH_H

#include "schema/error.h"
#include "schema/tick.h"

struct rows_truth;

MUST_USE enum status rows_truth_open(struct rows_truth **truth, const char *directory,
                                     struct error *err);
/* IO if anything could not be written. */
MUST_USE enum status rows_truth_close(struct rows_truth *truth, struct error *err);
/* A tick is complete. */
MUST_USE enum status rows_truth_tick(struct rows_truth *truth, const struct tick *tick,
                                     struct error *err);

#endif
