/*
 * How steeply a series rises, whatever noise lies on it: the median of the slopes between all pairs of its
 * points, and how sure it is that it rises at all.
 *
 *   source  Theil 1950, Sen 1968 (slope and its interval); Mann 1945, Kendall (S and its variance with ties);
 *           Hamed and Rao 1998 (that points which follow each other are alike)
 */
#ifndef ANALYZER_TREND_H
#define ANALYZER_TREND_H

#include <stdbool.h>
#include <stddef.h>

#include "schema/error.h"

/* A point; those of one part follow each other, and parts do. */
struct trend_point {
    double x, y;
    unsigned part; /* pairs are within a part: between two the series began anew */
};

struct trend {
    size_t points, pairs;
    double slope, low, high; /* y per x: the median, and between which it is in 95 of 100 cases */
    double z;       /* standard deviations that the signs of the slopes are away from even */
    double alike;   /* how alike neighbours are once the slope is gone: 0 to 1 */
    double scatter; /* standard deviation of what is left then */
    double rise;    /* what all parts rose, end to end */
    /* It lasts: nine tenths of the last third are above nine tenths of the first. */
    bool holds;
};

enum { TREND_POINTS_LEAST = 8 };

/*
 * Work it out, of points in order of x.
 *
 *   errors  ABSENT: fewer than TREND_POINTS_LEAST points, or no pair; NO_MEMORY
 */
MUST_USE enum status trend_find(const struct trend_point points[], size_t count,
                                struct trend *trend, struct error *err);

#endif
