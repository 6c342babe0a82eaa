#include "analyzer/explain_watch.h"

#include <math.h>
#include <stdlib.h>

void explain_watch_put(struct explain_watch *watch, uint32_t step, double value)
{
    watch->value[step % EXPLAIN_WATCH_STEPS] = value;
    watch->step[step % EXPLAIN_WATCH_STEPS] = step + 1;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double value[], size_t count)
{
    qsort(value, count, sizeof *value, ascending);
    return count % 2 == 1 ? value[count / 2] : (value[count / 2 - 1] + value[count / 2]) / 2;
}

size_t explain_watch_usual(const struct explain_watch *watch, uint32_t step, bool absent_is_zero,
                           double *usual, double *spread)
{
    double value[EXPLAIN_WATCH_STEPS];
    uint32_t first = step > EXPLAIN_WATCH_STEPS ? step - EXPLAIN_WATCH_STEPS : 0;
    size_t count = 0;

    for (uint32_t s = first; s < step; s++) {
        bool known = watch->step[s % EXPLAIN_WATCH_STEPS] == s + 1;

        if (known || absent_is_zero)
            value[count++] = known ? watch->value[s % EXPLAIN_WATCH_STEPS] : 0;
    }
    if (count == 0)
        return 0;
    *usual = median(value, count);
    for (size_t i = 0; i < count; i++)
        value[i] = fabs(value[i] - *usual);
    *spread = 1.4826 * median(value, count);
    return count;
}
