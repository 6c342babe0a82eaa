/* A counter of energy that starts anew at its end, as one that does not. */
#ifndef RECORDER_ENERGY_H
#define RECORDER_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: nothing was read yet. */
struct energy {
    bool known;
    int64_t last_uj; /* as read */
    int64_t last_ns;
    int64_t total_uj; /* from the first reading on */
};

/*
 * One more reading; the result is the total. Where it cannot be told how much was used - so late that the
 * counter may have come round unseen, or it fell by what no wrap explains - the total begins anew
 * below what it was, as a counter does that was reset: then no energy is taken for the interval.
 *
 *   shape   range_uj: where it wraps, 0 if it does not; most_mw: more power there cannot be
 *   units   now_ns on a clock that includes suspend, the latest time at which it can have been read
 */
int64_t energy_read(struct energy *energy, int64_t read_uj, int64_t now_ns, int64_t range_uj,
                    int64_t most_mw);

#endif
