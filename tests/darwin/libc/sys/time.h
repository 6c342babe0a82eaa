#ifndef DARWIN_LIBC_SYS_TIME_H
#define DARWIN_LIBC_SYS_TIME_H

#include <sys/types.h>

struct timeval {
    time_t tv_sec;
    int32_t tv_usec;
};

#endif
