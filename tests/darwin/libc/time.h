#ifndef DARWIN_LIBC_TIME_H
#define DARWIN_LIBC_TIME_H

#include <sys/types.h>

typedef enum {
    CLOCK_REALTIME = 0,
    CLOCK_MONOTONIC = 6,
    CLOCK_PROCESS_CPUTIME_ID = 12,
    CLOCK_THREAD_CPUTIME_ID = 16
} clockid_t;
struct timespec {
    time_t tv_sec;
    long tv_nsec;
};
struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
    long tm_gmtoff;
    char *tm_zone;
};

int clock_gettime(clockid_t clock, struct timespec *now);
struct tm *gmtime_r(const time_t *at, struct tm *parts);
struct tm *localtime_r(const time_t *at, struct tm *parts);
int nanosleep(const struct timespec *length, struct timespec *left);
size_t strftime(char *text, size_t size, const char *format, const struct tm *parts);
time_t time(time_t *now);
void tzset(void);

#endif
