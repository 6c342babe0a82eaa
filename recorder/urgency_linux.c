/*
 * Real time by SCHED_FIFO, which takes CAP_SYS_NICE or RLIMIT_RTPRIO; else by a short slice, which
 * any thread may ask for and Linux 6.12 and later heeds: sched_setattr(2), sched_runtime; and by a
 * nice value, which takes CAP_SYS_NICE or RLIMIT_NICE.
 */
#include "recorder/urgency.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SLICE_NS = 100000,
    ONE_SECOND_NS = 1000000000,
    RESET_ON_FORK = 1,
    MOST_NICE = -20,
    WRITER_NICE = -10
};

/* struct sched_attr of the kernel's first version, which libc does not declare everywhere. */
static bool is_begun; /* set before any thread is started */

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

void urgency_begin(void)
{
    errno = 0;
    if (getpriority(PRIO_PROCESS, 0) == 0 && errno == 0)
        is_begun = setpriority(PRIO_PROCESS, 0, MOST_NICE) == 0;
}

/* On Linux it is the thread's: see setpriority(2), "C library/kernel differences". */
static void become(int nice)
{
    if (is_begun)
        (void)setpriority(PRIO_PROCESS, 0, nice); /* less may always be had */
}

void urgency_lower(void)
{
    become(WRITER_NICE);
}

void urgency_give_up(void)
{
    become(0);
}

enum urgency urgency_raise(int64_t interval_ns)
{
    const struct sched_param lowest = { .sched_priority = 1 };
    struct attributes a = { .size = sizeof a };

    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 || a.policy != SCHED_OTHER)
        return URGENCY_USUAL; /* we were started as something else: that was meant */
    if (interval_ns < ONE_SECOND_NS &&
        sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) == 0)
        return URGENCY_REALTIME;
    a.size = sizeof a;
    a.flags = RESET_ON_FORK;
    a.runtime_ns = SLICE_NS;
    if (syscall(SYS_sched_setattr, 0, &a, 0) != 0 ||
        syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0)
        return URGENCY_USUAL;
    return a.nice == MOST_NICE        ? URGENCY_NICE
           : a.runtime_ns == SLICE_NS ? URGENCY_SLICE
                                      : URGENCY_USUAL;
}

const char *urgency_name(enum urgency urgency)
{
    static const char *const name[] = { "as all others", "in turns of 0.1 ms",
                                        "before others (nice -20)", "in real time" };

    return name[urgency];
}
