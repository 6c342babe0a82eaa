/* RLIMIT_NOFILE. */
#include "recorder/descriptors.h"

#include <limits.h>
#include <sys/resource.h>

/*
 * What else is kept open grows with the host: a file per disk, interface, sensor and core, a connection
 * per viewer.
 */
enum { SPARE_LEAST = 64, SPARE_MOST = 4096, SPARE_SHARE = 4 };

static rlim_t smaller(rlim_t a, rlim_t b)
{
    return a < b ? a : b;
}

static rlim_t limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

long descriptors_raise(void)
{
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur < DESCRIPTORS_MAX) {
        now.rlim_cur = smaller(now.rlim_max, DESCRIPTORS_MAX);
        (void)setrlimit(RLIMIT_NOFILE, &now); /* with less, fewer are kept */
    }
    return (long)smaller(limit(), LONG_MAX);
}

long descriptors_for_processes(void)
{
    rlim_t all = smaller(limit(), DESCRIPTORS_MAX), spare = smaller(all / SPARE_SHARE, SPARE_MOST);

    if (spare < SPARE_LEAST)
        spare = SPARE_LEAST;
    return all > spare ? (long)(all - spare) : 0;
}
