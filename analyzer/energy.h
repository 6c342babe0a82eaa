/*
 * Energy in whole microjoules: what a device used between two readings, and whose it was.
 *
 * Nothing here reads a recording. What is shared adds up to the microjoule.
 */
#ifndef ANALYZER_ENERGY_H
#define ANALYZER_ENERGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/bytes.h"

/* Energy of a power that went from one reading to the next in a straight line; half is rounded up. */
int64_t energy_of_power(int64_t from_mw, int64_t to_mw, int64_t dt_ns);

/* Energy of a steady power; half is rounded up. */
int64_t energy_at(int64_t power_uw, int64_t dt_ns);

/* floor(energy / time) in microwatts. */
int64_t energy_power_uw(int64_t uj, int64_t dt_ns);

/*
 * The part of a weight, spread evenly over (from_ns, to_ns], that lies in (begin_ns, end_ns]; parts that tile
 * the whole add up to it.
 */
int128 energy_part(int128 weight, int64_t from_ns, int64_t to_ns, int64_t begin_ns, int64_t end_ns);

/* Someone's weight in an interval, and the energy that comes to it. */
struct energy_claim {
    int128 weight;    /* not negative */
    int128 remainder; /* private */
    size_t place;     /* the same */
    int64_t uj;
    bool up; /* one more than its share rounded down */
};

/*
 * Share energy by weight, in whole microjoules: each gets its share rounded down, and those with the largest
 * remainders, of equal ones the earlier, one more each.
 *
 *   shape   fills claims[count].uj
 *   returns what nobody gets: all of it when it is negative or no weight is there, else 0
 */
int64_t energy_share(int64_t uj, struct energy_claim claims[], size_t count);

#endif
