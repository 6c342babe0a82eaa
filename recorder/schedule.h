/*
 * Fixed-rate deadlines on the boot clock, at whole multiples of the interval of the timeline.
 *
 * A deadline that passed before a tick could begin is skipped and counted, never caught up on.
 * What happened to the clocks since the previous tick (suspend, a step of the wall clock) is
 * reported with the tick.
 */
#ifndef RECORDER_SCHEDULE_H
#define RECORDER_SCHEDULE_H

#include "recorder/clock.h"

enum {
    SCHEDULE_SUSPEND_NS = 50000000, /* boot - awake grows by more: the host was suspended */
    SCHEDULE_APART = 10,            /* ticks are at least this part of an interval apart */
    SCHEDULE_STEP_NS = 100000000,   /* wall - timeline moved by as much: a clock step */
};

enum schedule_wake {
    SCHEDULE_TICK,        /* a deadline is due */
    SCHEDULE_END,         /* the end given to schedule_wait came first */
    SCHEDULE_INTERRUPTED, /* by clock_interrupt */
};

/* One firing. */
struct schedule_tick {
    int64_t boot_ns, wall_ns; /* the clocks at the firing */
    int64_t lateness_ns;      /* after the latest deadline that is due */
    int64_t missed;           /* deadlines before that one for which no tick was taken */
    int64_t suspended_ns;     /* of a suspend since the previous firing, else 0 */
    int64_t stepped_ns;       /* how far wall - timeline moved since last reported, else 0 */
};

struct schedule {
    const struct clock *clock;
    struct timebase timebase;
    int64_t interval_ns;
    int64_t next_boot_ns;   /* the next deadline */
    int64_t last_boot_ns;   /* the latest firing */
    int64_t suspended_ns;   /* boot - awake at the latest firing */
    int64_t wall_offset_ns; /* wall - timeline as last reported */
};

/*
 * Start: the first tick is due now and is described by *first. The deadline after it is aligned;
 * one that is less than a tenth of an interval away is left out.
 */
void schedule_init(struct schedule *schedule, const struct clock *clock, struct timebase timebase,
                   int64_t interval_ns, struct schedule_tick *first);

/* Sleep until the next deadline or `end_boot_ns`, whichever is first; fills *tick on TICK. */
enum schedule_wake schedule_wait(struct schedule *schedule, int64_t end_boot_ns,
                                 struct schedule_tick *tick);

/* A last tick outside the deadlines; false when the latest was less than `apart_ns` ago. */
bool schedule_final(struct schedule *schedule, int64_t apart_ns, struct schedule_tick *tick);

#endif
