#ifndef DARWIN_LIBC_TIME_H
#define DARWIN_LIBC_TIME_H

#include <sys/types.h>

typedef enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 6 } clockid_t;
struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

void tzset(void);

#endif
