#ifndef DARWIN_LIBC_SYS_RESOURCE_H
#define DARWIN_LIBC_SYS_RESOURCE_H

#include <sys/time.h>

typedef uint64_t rlim_t;
struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_max;
};
struct rusage {
    struct timeval ru_utime;
    struct timeval ru_stime;
    long ru_maxrss; /* bytes */
    long ru_others[13];
};
#define RLIM_INFINITY ((1ULL << 63) - 1)
#define RLIMIT_AS 5
#define RLIMIT_NOFILE 8
#define RUSAGE_SELF 0

int getrlimit(int resource, struct rlimit *limit);
int getrusage(int who, struct rusage *usage);
int setrlimit(int resource, const struct rlimit *limit);

#endif
