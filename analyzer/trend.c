#include "analyzer/trend.h"

#include <math.h>
#include <stdlib.h>

#define SURE 1.959963984540054 /* standard deviations of a normal distribution, for 95 % */
#define ROUNDING 1e-9
#define ALIKE_MOST 0.6 /* more would hide what rises in a curve */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The part-th quantile of what is in order, in a straight line between two. */
static double quantile(const double value[], size_t count, double part)
{
    double at = part * (double)(count - 1);
    size_t before = (size_t)at;
    double rest = at - (double)before;

    return before + 1 < count ? value[before] * (1 - rest) + value[before + 1] * rest
                              : value[count - 1];
}

/* Slopes of all pairs; S, the sum of their signs. */
static size_t put_slopes(const struct trend_point p[], size_t count, double slope[], double *s)
{
    size_t pairs = 0;

    *s = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count && p[k].part == p[i].part; k++) {
            if (!(p[k].x > p[i].x))
                continue;
            slope[pairs++] = (p[k].y - p[i].y) / (p[k].x - p[i].x);
            *s += (p[k].y > p[i].y) - (p[k].y < p[i].y);
        }
    return pairs;
}

static double ties_and_all(double n)
{
    return n * (n - 1) * (2 * n + 5);
}

/* Of S, if nothing rose, as if no two neighbours were alike; parts are independent. */
static double variance_of(const struct trend_point p[], size_t count, double scratch[])
{
    double variance = 0;

    for (size_t first = 0, end; first < count; first = end) {
        size_t n = 0;

        for (end = first; end < count && p[end].part == p[first].part; end++)
            scratch[n++] = p[end].y;
        qsort(scratch, n, sizeof *scratch, ascending);
        variance += ties_and_all((double)n);
        for (size_t i = 0, k; i < n; i = k) {
            for (k = i + 1; k < n && scratch[k] <= scratch[i]; k++)
                ;
            variance -= ties_and_all((double)(k - i));
        }
    }
    return variance / 18;
}

/* The parts end to end, as if none had begun anew. */
static void join(const struct trend_point p[], size_t count, double y[])
{
    double offset = 0;

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && p[i].part != p[i - 1].part)
            offset = y[i - 1] - p[i].y;
        y[i] = p[i].y + offset;
    }
}

/* Correlation of each with the next, of what is left when the slope is taken away. */
static double likeness(const struct trend_point p[], const double y[], size_t count, double slope,
                       double *scatter)
{
    double mean = 0, next = 0, all = 0;

    for (size_t i = 0; i < count; i++)
        mean += (y[i] - slope * p[i].x) / (double)count;
    for (size_t i = 0; i < count; i++) {
        double rest = y[i] - slope * p[i].x - mean;

        all += rest * rest;
        if (i + 1 < count)
            next += rest * (y[i + 1] - slope * p[i + 1].x - mean);
    }
    *scatter = sqrt(all / (double)count);
    if (!(*scatter > ROUNDING * fabs(y[count - 1] - y[0])) || !(next > 0))
        return 0;
    return next / all < ALIKE_MOST ? next / all : ALIKE_MOST;
}

static bool lasts(const double y[], size_t count, double scratch[])
{
    size_t third = count / 3;
    double before;

    for (size_t i = 0; i < third; i++)
        scratch[i] = y[i];
    qsort(scratch, third, sizeof *scratch, ascending);
    before = quantile(scratch, third, 0.9);
    for (size_t i = 0; i < third; i++)
        scratch[i] = y[count - third + i];
    qsort(scratch, third, sizeof *scratch, ascending);
    return quantile(scratch, third, 0.1) > before;
}

enum status trend_find(const struct trend_point points[], size_t count, struct trend *trend,
                       struct error *err)
{
    double *slope, *joined, *scratch, s, deviation;
    enum status st = STATUS_ABSENT;

    *trend = (struct trend){ .points = count };
    if (count < TREND_POINTS_LEAST)
        return STATUS_ABSENT;
    slope = malloc(count * (count - 1) / 2 * sizeof *slope);
    joined = malloc(2 * count * sizeof *joined);
    if (slope == NULL || joined == NULL) {
        st = error_set(err, STATUS_NO_MEMORY, "%zu points", count);
        goto done;
    }
    scratch = joined + count;
    trend->pairs = put_slopes(points, count, slope, &s);
    if (trend->pairs == 0)
        goto done;
    qsort(slope, trend->pairs, sizeof *slope, ascending);
    trend->slope = quantile(slope, trend->pairs, 0.5);
    join(points, count, joined);
    trend->rise = joined[count - 1] - joined[0];
    trend->alike = likeness(points, joined, count, trend->slope, &trend->scatter);
    deviation = sqrt(variance_of(points, count, scratch) * (1 + trend->alike) / (1 - trend->alike));
    trend->z = deviation > 0 ? (s - (s > 0) + (s < 0)) / deviation : 0;
    deviation = SURE * deviation / (double)trend->pairs / 2; /* of ranks, as a part of all */
    trend->low = quantile(slope, trend->pairs, deviation < 0.5 ? 0.5 - deviation : 0);
    trend->high = quantile(slope, trend->pairs, deviation < 0.5 ? 0.5 + deviation : 1);
    trend->holds = lasts(joined, count, scratch);
    st = STATUS_OK;
done:
    free(slope);
    free(joined);
    return st;
}
