/*
 * Samples -> intervals: how long each sample stands for, what a counter gained in it, how fast.
 *
 * A sample at tick time t stands for the interval since the series' previous present value; it
 * belongs to the window (from, to] that t lies in, so adjacent windows tile. No time, and no
 * rate, is taken across a gap; what a counter gained there is told apart.
 */
#ifndef ANALYZER_RATE_H
#define ANALYZER_RATE_H

#include "schema/block.h"

struct interval {
    uint32_t sample;  /* index in the series */
    int64_t at_ns;    /* time of its tick */
    int64_t value;    /* stored units */
    int64_t dt_ns;    /* 0: no time is covered */
    int64_t increase; /* counter: since the value before; 0 where that is not known */
    bool known;       /* there was a value before, or a birth in view */
    bool gap;         /* a gap lies in between: dt_ns is 0, and increase happened in the gap */
    bool reset;       /* the counter fell: increase is 0 */
};

/* Walks the present samples of one series in one column. */
struct rate_walk {
    const struct block_table *table;
    const struct series *series;
    const int64_t *value;
    const uint8_t *missing; /* NULL: none */
    uint32_t sample;
    bool known, gap;
    int64_t before, before_ns;
};

void rate_begin(struct rate_walk *walk, const struct block_table *table,
                const struct block_column *column, size_t series);

/* The next present sample; false at the end of the series. */
bool rate_next(struct rate_walk *walk, struct interval *interval);

#endif
