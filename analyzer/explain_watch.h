/* What one figure of one subject was in the steps before: what is usual, and how far that spreads. */
#ifndef ANALYZER_EXPLAIN_WATCH_H
#define ANALYZER_EXPLAIN_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXPLAIN_WATCH_STEPS = 60 };

/* Zero-initialised has seen nothing. */
struct explain_watch {
    double value[EXPLAIN_WATCH_STEPS];
    uint32_t step[EXPLAIN_WATCH_STEPS]; /* + 1, of those that are known */
};

/* Keep the value of a step; steps are numbered without a hole. */
void explain_watch_put(struct explain_watch *watch, uint32_t step, double value);

/*
 * Median, and 1.4826 times the median distance from it (of a normal distribution the standard deviation),
 * of the 60 steps before `step`.
 *
 *   shape   absent_is_zero: a step without a value counts as 0, else not
 *   returns how many steps there were; of 0 nothing else is set
 */
size_t explain_watch_usual(const struct explain_watch *watch, uint32_t step, bool absent_is_zero,
                           double *usual, double *spread);

#endif
