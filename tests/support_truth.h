/* What process_samples must hold of a tick, as one number: from the tick, and from the recording. */
#ifndef TESTS_SUPPORT_TRUTH_H
#define TESTS_SUPPORT_TRUTH_H

#include "schema/recording.h"
#include "schema/tick.h"
#include "tests/support_recording.h"

/* The values behind ROW_SAME; zero-initialised before the first tick. */
struct truth {
    int64_t last[MADE_SLOTS][2];
};

/* Rows that are not the last of their process. */
uint64_t truth_of_tick(struct truth *truth, const struct tick *tick);

/* See each tick of level 0 with its number; a failure to read fails the test. */
typedef void truth_visit(void *context, int64_t start_ns, uint64_t hash);
void truth_read(struct recording *rec, truth_visit *visit, void *context);

/* CPU time of all usage, of blocks that are there and of those that were evicted; -1: a tail lacks. */
int64_t truth_cpu_ns(const char *path);

#endif
