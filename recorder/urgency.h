/* How soon the sampling thread gets a core when others want it too. */
#ifndef RECORDER_URGENCY_H
#define RECORDER_URGENCY_H

#include <stdint.h>

enum urgency {
    URGENCY_USUAL,    /* as all others: the kernel cannot do better, or we were told how to run */
    URGENCY_SLICE,    /* asks for short turns, so it gets them early */
    URGENCY_REALTIME, /* before all that are not */
};

/*
 * Make the calling thread as urgent as it may be: in real time where that is allowed and ticks come
 * faster than once a second, which a thread like any other does not miss. What it starts is as usual.
 */
enum urgency urgency_raise(int64_t interval_ns);
/* In words. */
const char *urgency_name(enum urgency urgency);

#endif
