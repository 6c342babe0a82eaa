/* 128 bits hold every product here: weights are scaled down together until their sum fits 63. */
#include "analyzer/energy.h"

#include <stdlib.h>

#define SECOND_NS INT64_C(1000000000)
#define MW_NS_PER_UJ INT64_C(1000000)
#define SUM_LIMIT ((int128)1 << 63)

static int128 floor_of(int128 value, int128 divisor)
{
    int128 quotient = value / divisor;

    return quotient * divisor > value ? quotient - 1 : quotient;
}

static int64_t fit(int128 value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

int64_t energy_of_power(int64_t from_mw, int64_t to_mw, int64_t dt_ns)
{
    int128 twice = ((int128)from_mw + to_mw) * dt_ns;

    return fit(floor_of(twice + MW_NS_PER_UJ, 2 * MW_NS_PER_UJ));
}

int64_t energy_at(int64_t power_uw, int64_t dt_ns)
{
    return fit(floor_of((int128)power_uw * dt_ns + SECOND_NS / 2, SECOND_NS));
}

int64_t energy_power_uw(int64_t uj, int64_t dt_ns)
{
    return dt_ns <= 0 ? 0 : fit(floor_of((int128)uj * SECOND_NS, dt_ns));
}

/* How much of it is used up by then. */
static int128 until(int128 weight, int64_t from_ns, int64_t to_ns, int64_t at_ns)
{
    int128 length = (int128)to_ns - from_ns, passed = (int128)at_ns - from_ns;

    if (passed <= 0)
        return 0;
    if (passed >= length)
        return weight;
    /* length and passed fit 64 bits; of the weight the high part is divided first */
    return weight / length * passed + weight % length * passed / length;
}

int128 energy_part(int128 weight, int64_t from_ns, int64_t to_ns, int64_t begin_ns, int64_t end_ns)
{
    return until(weight, from_ns, to_ns, end_ns) - until(weight, from_ns, to_ns, begin_ns);
}

/* By how much all weights are shifted so that no product overflows; absurd ones only. */
static unsigned scale_of(const struct energy_claim claims[], size_t count)
{
    unsigned shift = 0;
    int128 sum;

    do {
        sum = 0;
        for (size_t i = 0; i < count && sum < SUM_LIMIT; i++)
            sum += claims[i].weight >> shift;
        shift += sum >= SUM_LIMIT;
    } while (sum >= SUM_LIMIT);
    return shift;
}

static int by_remainder(const void *a, const void *b)
{
    const struct energy_claim *x = a, *y = b;

    if (x->remainder != y->remainder)
        return x->remainder > y->remainder ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static int by_place(const void *a, const void *b)
{
    const struct energy_claim *x = a, *y = b;

    return x->place < y->place ? -1 : x->place > y->place;
}

int64_t energy_share(int64_t uj, struct energy_claim claims[], size_t count)
{
    unsigned shift = scale_of(claims, count);
    int128 sum = 0;
    int64_t left = uj;

    for (size_t i = 0; i < count; i++) {
        claims[i].uj = 0;
        claims[i].up = false;
        sum += claims[i].weight >> shift;
    }
    if (uj <= 0 || sum == 0)
        return uj;
    for (size_t i = 0; i < count; i++) {
        int128 product = (claims[i].weight >> shift) * uj;

        claims[i].uj = (int64_t)(product / sum);
        claims[i].remainder = product % sum;
        claims[i].place = i;
        left -= claims[i].uj;
    }
    if (left == 0)
        return 0;
    /* Fewer are left than there are claims with a remainder. */
    qsort(claims, count, sizeof *claims, by_remainder);
    for (size_t i = 0; (int64_t)i < left; i++) {
        claims[i].uj++;
        claims[i].up = true;
    }
    qsort(claims, count, sizeof *claims, by_place);
    return 0;
}
