/* pthread_cond_timedwait_relative_np: Darwin has no conditions on another clock than the wall's. */
#include "recorder/timed_wait.h"

#include <time.h>

enum { NS_PER_S = 1000000000 };

void timed_wait_init(pthread_cond_t *condition)
{
    pthread_cond_init(condition, NULL);
}

int64_t timed_wait_now_ns(void)
{
    return (int64_t)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
}

bool timed_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ns)
{
    int64_t left_ns = until_ns - timed_wait_now_ns();
    struct timespec left;

    if (left_ns <= 0)
        return false;
    left = (struct timespec){ (time_t)(left_ns / NS_PER_S), (long)(left_ns % NS_PER_S) };
    return pthread_cond_timedwait_relative_np(condition, lock, &left) == 0;
}
