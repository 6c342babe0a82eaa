/* Where a window is cut: at multiples of a step on the recorded host's clocks. */
#ifndef ANALYZER_TIMELINE_BUCKETS_H
#define ANALYZER_TIMELINE_BUCKETS_H

#include <stddef.h>

#include "analyzer/when.h"
#include "analyzer/zone.h"

#define TIMELINE_BUCKETS_MAX 10000000

/* Bucket i has the samples with end_ns[i - 1] < time <= end_ns[i], the first from from_ns on. */
struct timeline_buckets {
    int64_t from_ns;
    int64_t *end_ns; /* [count] the last is the window's */
    uint32_t *ticks; /* [count] of the table */
    size_t count;
};

/*
 * Cut a window. Where clocks are changed, the step in which they are is as much longer or shorter.
 *
 *   shape   step_ns > 0; zone: NULL is UTC
 *   errors  INVALID: more than TIMELINE_BUCKETS_MAX; NO_MEMORY
 *   owns    until timeline_buckets_release
 */
MUST_USE enum status timeline_buckets_cut(struct timeline_buckets *buckets,
                                          const struct window *window, int64_t step_ns,
                                          const struct zone *zone, struct error *err);
/* The whole window as one. errors NO_MEMORY; owns as above */
MUST_USE enum status timeline_buckets_one(struct timeline_buckets *buckets,
                                          const struct window *window, struct error *err);
void timeline_buckets_release(struct timeline_buckets *buckets);

/* The bucket that a time of the window lies in. */
size_t timeline_bucket(const struct timeline_buckets *buckets, int64_t time_ns);

static inline int64_t timeline_bucket_from(const struct timeline_buckets *buckets, size_t bucket)
{
    return bucket == 0 ? buckets->from_ns : buckets->end_ns[bucket - 1];
}

/* A step with a round length that cuts the window into 60 parts at most. */
int64_t timeline_step(const struct window *window);

#endif
