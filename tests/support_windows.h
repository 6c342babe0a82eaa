/* The minutes of a block of random samples, and comparing cells. */
#ifndef TESTS_SUPPORT_WINDOWS_H
#define TESTS_SUPPORT_WINDOWS_H

#include "schema/rollup.h"
#include "support_samples.h"

enum { WINDOWS_MAX = 200 };

struct windows {
    size_t count;
    struct rollup_span span[WINDOWS_MAX];
    int64_t start_ns[WINDOWS_MAX];
    int64_t covered_ns[WINDOWS_MAX * SAMPLES_METRICS];
};

/* The minutes that the open block touches, and what a steady series covers of them. */
void windows_find(const struct samples *s, struct windows *windows);

/* Seal the open block, and let the next begin in another minute. */
void windows_next_minute(struct samples *s);

/* Fail unless the cell says what is expected, as far as a metric of that kind keeps it. */
void windows_expect_cell(const struct rollup_cell *cell, const struct rollup_cell *expected,
                         enum metric_kind kind);

#endif
