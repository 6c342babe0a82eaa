/*
 * Real time by SCHED_FIFO, which takes CAP_SYS_NICE or RLIMIT_RTPRIO; else by a short slice, which
 * any thread may ask for and Linux 6.12 and later heeds: sched_setattr(2), sched_runtime.
 */
#include "recorder/urgency.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLICE_NS = 100000, ONE_SECOND_NS = 1000000000, RESET_ON_FORK = 1 };

/* struct sched_attr of the kernel's first version, which libc does not declare everywhere. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

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
        syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 || a.runtime_ns != SLICE_NS)
        return URGENCY_USUAL;
    return URGENCY_SLICE;
}

const char *urgency_name(enum urgency urgency)
{
    static const char *const name[] = { "as all others", "in turns of 0.1 ms", "in real time" };

    return name[urgency];
}
