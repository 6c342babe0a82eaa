/* Adds the clocks that only Darwin has. */
#ifndef DARWIN_TIME_H
#define DARWIN_TIME_H

#include_next <time.h>

#include <stdint.h>

#ifndef CLOCK_MONOTONIC_RAW
#define CLOCK_MONOTONIC_RAW 4 /* goes on in sleep, never steps */
#endif
#define CLOCK_UPTIME_RAW 8 /* stops in sleep, never steps */

uint64_t clock_gettime_nsec_np(clockid_t clock);

#endif
