/* A clock for tests: stands still until someone sleeps by it or moves it. */
#ifndef TESTS_SUPPORT_CLOCK_H
#define TESTS_SUPPORT_CLOCK_H

#include "recorder/clock.h"

struct fake_clock {
    _Atomic int64_t boot_ns, awake_ns, wall_ns; /* a test has several threads */
    int64_t oversleep_ns;                       /* every sleep ends that much after its deadline */
    bool interrupt;                             /* sleeps end at once with false */
    uint64_t random;
};

struct clock fake_clock_interface(struct fake_clock *fake);

/* Time passes: all three clocks move. */
void fake_clock_pass(struct fake_clock *fake, int64_t ns);
/* The host is suspended: the boot clock and the wall clock move. */
void fake_clock_suspend(struct fake_clock *fake, int64_t ns);

#endif
