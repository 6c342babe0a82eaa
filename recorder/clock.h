/*
 * Time, sleeping and randomness: the only way the recorder gets them, so that tests, the
 * generator and a simulation run months in seconds with the recorder's own code.
 */
#ifndef RECORDER_CLOCK_H
#define RECORDER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
    /* ns since boot, suspend included: CLOCK_BOOTTIME on Linux */
    int64_t (*boot_ns)(void *self);
    /* ns since boot, suspend left out: CLOCK_MONOTONIC; boot - awake grows over a suspend */
    int64_t (*awake_ns)(void *self);
    /* ns since 1970 as the host believes: CLOCK_REALTIME */
    int64_t (*wall_ns)(void *self);
    /* Sleep until boot_ns() >= deadline; false when woken early by clock_interrupt. */
    bool (*sleep_until)(void *self, int64_t boot_deadline_ns);
    uint64_t (*random)(void *self);
    void *self;
};

/* What the host's own clocks need. Zeroed is closed. */
struct clock_host {
    bool opened;
    int wake_fd, timer_fd;
};

/*
 * The host's own clocks; one thread at a time may sleep by them. `wake_fd`, or -1: an eventfd or pipe
 * whose readability ends a sleep; it stays the caller's.
 *
 *   owns    a descriptor in *host, until clock_close; *host must stay where it is
 */
struct clock clock_open(struct clock_host *host, int wake_fd);
void clock_close(struct clock_host *host);

/* The timeline of a session: never steps, advances with the boot clock. */
struct timebase {
    int64_t boot_start_ns;
    int64_t wall_start_ns;
};

static inline int64_t timebase_at(const struct timebase *base, int64_t boot_ns)
{
    return base->wall_start_ns + (boot_ns - base->boot_start_ns);
}

#endif
