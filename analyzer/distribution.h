/*
 * How long a quantity stood at which values, for percentiles: exact, in bounded memory.
 *
 * Most time is spent at 0, which is one number. Of the other values only the largest that can
 * still be, or lie above, the 95th percentile are kept.
 */
#ifndef ANALYZER_DISTRIBUTION_H
#define ANALYZER_DISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct distribution_entry {
    int64_t value, time_ns;
};

/* Zero-initialised is empty. Values are not negative. */
struct distribution {
    int64_t time_ns;                    /* at all values */
    struct distribution_entry *entries; /* values other than 0 */
    size_t count, size;
    int64_t floor; /* smaller values are known to lie below the percentile */
};

/*
 * Add time at a value.
 *
 *   shape   rest_ns: no more time than this will be added later, INT64_MAX where nobody knows
 *   returns false when memory is out
 */
bool distribution_add(struct distribution *d, int64_t value, int64_t time_ns, int64_t rest_ns);

/* The smallest value v with at least 95 % of the time at values up to v; 0 when empty. */
int64_t distribution_p95(struct distribution *d);
void distribution_release(struct distribution *d);

#endif
