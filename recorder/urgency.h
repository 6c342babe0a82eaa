/* How soon the sampling thread gets a core when others want it too. */
#ifndef RECORDER_URGENCY_H
#define RECORDER_URGENCY_H

#include <stdint.h>

enum urgency {
    URGENCY_USUAL,    /* as all others: the kernel cannot do better, or we were told how to run */
    URGENCY_SLICE,    /* asks for short turns, so it gets them early */
    URGENCY_NICE,     /* and for more of a core than others */
    URGENCY_REALTIME, /* before all that are not */
};

/*
 * Before privileges are given up, in the main thread: nice -20 where that is allowed, or a host with
 * hundreds of busy processes to a core would make even a tick a second late. Threads that are started
 * inherit it; those whose work can wait give it up. Nice that somebody chose stays.
 */
void urgency_begin(void);
/*
 * Make the calling thread as urgent as it may be: in real time where that is allowed and ticks come
 * faster than once a second; else by short turns. What it starts is as usual.
 */
enum urgency urgency_raise(int64_t interval_ns);
/* One that others wait for, as that which stores ticks: nice -10, if it was begun so. */
void urgency_lower(void);
/* A thread whose work can wait, or is much: as it was before urgency_begin. */
void urgency_give_up(void);
/* In words. */
const char *urgency_name(enum urgency urgency);

#endif
