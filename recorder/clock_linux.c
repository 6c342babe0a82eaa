/*
 * The clocks of a Linux host. Sleeping uses a timerfd: an absolute time on the boot clock, without
 * the timer slack of nanosleep and poll, and right across a suspend.
 */
#include "recorder/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_SECOND = 1000000000, POLL_LONGEST_MS = 1000 };

static int64_t read_clock(clockid_t id)
{
    struct timespec now = { 0 };

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static int64_t boot_ns(void *self)
{
    (void)self;
    return read_clock(CLOCK_BOOTTIME);
}

static int64_t awake_ns(void *self)
{
    (void)self;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t wall_ns(void *self)
{
    (void)self;
    return read_clock(CLOCK_REALTIME);
}

/* Arm the timer; false where there is none: then poll's own timeout counts, in pieces. */
static bool arm_timer(const struct clock_host *clock, int64_t deadline_ns)
{
    struct itimerspec at = { .it_value = { (time_t)(deadline_ns / NS_PER_SECOND),
                                           (long)(deadline_ns % NS_PER_SECOND) } };

    return clock->timer_fd >= 0 &&
           timerfd_settime(clock->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0;
}

static bool sleep_until(void *self, int64_t boot_deadline_ns)
{
    const struct clock_host *clock = self;
    struct pollfd fds[2] = { { .fd = clock->wake_fd, .events = POLLIN },
                             { .fd = clock->timer_fd, .events = POLLIN } };
    bool armed = boot_deadline_ns > 0 && arm_timer(clock, boot_deadline_ns);

    if (!armed)
        fds[1].fd = -1;
    for (;;) {
        int64_t left_ns = boot_deadline_ns - boot_ns(self);
        int timeout_ms = armed ? -1 : (int)(left_ns / 1000000) + 1;

        if (left_ns <= 0)
            timeout_ms = 0;
        else if (!armed && left_ns > (int64_t)POLL_LONGEST_MS * 1000000)
            timeout_ms = POLL_LONGEST_MS;
        if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
            return false;
        if (fds[0].revents != 0)
            return false;
        if (left_ns <= 0)
            return true;
    }
}

static uint64_t random_bits(void *self)
{
    uint64_t bits = 0;

    if (getrandom(&bits, sizeof bits, 0) == (ssize_t)sizeof bits)
        return bits;
    return (uint64_t)boot_ns(self) * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)wall_ns(self);
}

struct clock clock_open(struct clock_host *host, int wake_fd)
{
    *host = (struct clock_host){ .opened = true,
                                 .wake_fd = wake_fd,
                                 .timer_fd =
                                     timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK) };
    return (struct clock){ boot_ns, awake_ns, wall_ns, sleep_until, random_bits, host };
}

void clock_close(struct clock_host *host)
{
    if (host->opened && host->timer_fd >= 0)
        close(host->timer_fd);
    *host = (struct clock_host){ .opened = false };
}
