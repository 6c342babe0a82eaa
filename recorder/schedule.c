/* Deadlines, and what the clocks did between them. */
#include "recorder/schedule.h"

enum { READINGS_MAX = 3, READING_SHORT_NS = 100000 };

struct moment {
    int64_t boot_ns, awake_ns, wall_ns;
};

/*
 * All three clocks as close to one moment as they come: a preemption between two of them would
 * look like a suspend or a step, so the shortest of a few readings counts.
 */
static struct moment read_clocks(const struct clock *clock)
{
    struct moment best = { 0 };
    int64_t shortest = INT64_MAX;

    for (int i = 0; i < READINGS_MAX && shortest > READING_SHORT_NS; i++) {
        struct moment now = { .boot_ns = clock->boot_ns(clock->self) };
        int64_t took_ns;

        now.awake_ns = clock->awake_ns(clock->self);
        now.wall_ns = clock->wall_ns(clock->self);
        took_ns = clock->boot_ns(clock->self) - now.boot_ns;
        if (took_ns < shortest) {
            best = now;
            shortest = took_ns;
        }
    }
    return best;
}

static int64_t wall_offset(const struct schedule *schedule, const struct moment *now)
{
    return now->wall_ns - timebase_at(&schedule->timebase, now->boot_ns);
}

/* The first multiple of the interval on the timeline that is later than `boot_ns`. */
static int64_t aligned_after(const struct schedule *schedule, int64_t boot_ns)
{
    int64_t past = timebase_at(&schedule->timebase, boot_ns) % schedule->interval_ns;

    if (past < 0)
        past += schedule->interval_ns;
    return boot_ns + schedule->interval_ns - past;
}

/* Compare the clocks with what they said at the latest firing. */
static void observe(struct schedule *schedule, const struct moment *now, struct schedule_tick *tick)
{
    int64_t suspended_ns = now->boot_ns - now->awake_ns;
    int64_t offset_ns = wall_offset(schedule, now);
    int64_t moved_ns = offset_ns - schedule->wall_offset_ns;

    *tick = (struct schedule_tick){ .boot_ns = now->boot_ns, .wall_ns = now->wall_ns };
    if (suspended_ns - schedule->suspended_ns > SCHEDULE_SUSPEND_NS)
        tick->suspended_ns = suspended_ns - schedule->suspended_ns;
    if (moved_ns >= SCHEDULE_STEP_NS || moved_ns <= -SCHEDULE_STEP_NS) {
        tick->stepped_ns = moved_ns;
        schedule->wall_offset_ns = offset_ns;
    }
    schedule->suspended_ns = suspended_ns;
    schedule->last_boot_ns = now->boot_ns;
}

void schedule_init(struct schedule *schedule, const struct clock *clock, struct timebase timebase,
                   int64_t interval_ns, struct schedule_tick *first)
{
    struct moment now = read_clocks(clock);

    *schedule = (struct schedule){
        .clock = clock,
        .timebase = timebase,
        .interval_ns = interval_ns,
        .suspended_ns = now.boot_ns - now.awake_ns,
    };
    schedule->next_boot_ns = aligned_after(schedule, now.boot_ns);
    if (schedule->next_boot_ns - now.boot_ns < interval_ns / SCHEDULE_APART)
        schedule->next_boot_ns += interval_ns;
    observe(schedule, &now, first);
}

enum schedule_wake schedule_wait(struct schedule *schedule, int64_t end_boot_ns,
                                 struct schedule_tick *tick)
{
    const struct clock *clock = schedule->clock;
    bool end_first = end_boot_ns < schedule->next_boot_ns;
    struct moment now;
    int64_t late_ns;
    int64_t skipped;

    if (!clock->sleep_until(clock->self, end_first ? end_boot_ns : schedule->next_boot_ns))
        return SCHEDULE_INTERRUPTED;
    if (end_first)
        return SCHEDULE_END;
    now = read_clocks(clock);
    observe(schedule, &now, tick);
    late_ns = now.boot_ns > schedule->next_boot_ns ? now.boot_ns - schedule->next_boot_ns : 0;
    skipped = late_ns / schedule->interval_ns;
    tick->lateness_ns = late_ns % schedule->interval_ns;
    /* A suspended host has missed nothing: the gap is told by suspended_ns. */
    if (late_ns > tick->suspended_ns)
        tick->missed = (late_ns - tick->suspended_ns) / schedule->interval_ns;
    schedule->next_boot_ns += (skipped + 1) * schedule->interval_ns;
    return SCHEDULE_TICK;
}

bool schedule_final(struct schedule *schedule, int64_t apart_ns, struct schedule_tick *tick)
{
    struct moment now = read_clocks(schedule->clock);

    if (now.boot_ns - schedule->last_boot_ns < apart_ns)
        return false;
    observe(schedule, &now, tick);
    return true;
}
