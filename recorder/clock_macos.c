/*
 * The clocks of a Mac. CLOCK_MONOTONIC is no use here: it is computed from the wall clock and
 * slewed with it. A sleep ends by a kqueue timer on the clock that goes on while the Mac sleeps.
 *
 *   source  clock_gettime_nsec_np(3), kqueue(2), getentropy(2)
 *   units   nanoseconds, also of CLOCK_UPTIME_RAW: no Mach ticks here
 */
#include "recorder/clock.h"

#include <errno.h>
#include <sys/event.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { TIMER_IDENT = 1, EVENTS = 2 };

static int64_t boot_ns(void *self)
{
    (void)self;
    return (int64_t)clock_gettime_nsec_np(CLOCK_MONOTONIC_RAW);
}

static int64_t awake_ns(void *self)
{
    (void)self;
    return (int64_t)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
}

static int64_t wall_ns(void *self)
{
    (void)self;
    return (int64_t)clock_gettime_nsec_np(CLOCK_REALTIME);
}

/* A relative time: an absolute one would be on the wall clock. What fires early is armed again. */
static bool arm(const struct clock_host *clock, int64_t left_ns)
{
    struct kevent64_s timer;

    EV_SET64(&timer, TIMER_IDENT, EVFILT_TIMER, EV_ADD | EV_ONESHOT,
             NOTE_NSECONDS | NOTE_MACH_CONTINUOUS_TIME, left_ns, 0, 0, 0);
    return kevent64(clock->timer_fd, &timer, 1, NULL, 0, 0, NULL) == 0;
}

static bool sleep_until(void *self, int64_t boot_deadline_ns)
{
    const struct clock_host *clock = self;

    for (;;) {
        struct kevent64_s events[EVENTS];
        static const struct timespec at_once = { 0, 0 };
        int64_t left_ns = boot_deadline_ns - boot_ns(self);
        int count;

        if (left_ns > 0 && !arm(clock, left_ns))
            return false;
        count =
            kevent64(clock->timer_fd, NULL, 0, events, EVENTS, 0, left_ns > 0 ? NULL : &at_once);
        if (count < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < count; i++)
            if (events[i].filter == EVFILT_READ)
                return false;
        if (left_ns <= 0)
            return true;
    }
}

static uint64_t random_bits(void *self)
{
    uint64_t bits = 0;

    if (getentropy(&bits, sizeof bits) == 0)
        return bits;
    return (uint64_t)boot_ns(self) * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)wall_ns(self);
}

static void watch(int queue, int wake_fd)
{
    struct kevent64_s event;

    EV_SET64(&event, (uint64_t)wake_fd, EVFILT_READ, EV_ADD, 0, 0, 0, 0, 0);
    (void)kevent64(queue, &event, 1, NULL, 0, 0, NULL);
}

struct clock clock_open(struct clock_host *host, int wake_fd)
{
    *host = (struct clock_host){ .opened = true, .wake_fd = wake_fd, .timer_fd = kqueue() };
    if (host->timer_fd >= 0 && wake_fd >= 0)
        watch(host->timer_fd, wake_fd);
    return (struct clock){ boot_ns, awake_ns, wall_ns, sleep_until, random_bits, host };
}

void clock_close(struct clock_host *host)
{
    if (host->opened && host->timer_fd >= 0)
        close(host->timer_fd);
    *host = (struct clock_host){ .opened = false };
}
