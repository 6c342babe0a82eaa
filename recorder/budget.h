/*
 * What recording may cost: over it the dearest optional collector is slowed down, then left out, one
 * step at a time, and each step is taken back when there is room for it again.
 *
 * Works on windows of BUDGET_WINDOW_NS. A step that had to be taken again soon after it was taken
 * back is taken back later each time.
 */
#ifndef RECORDER_BUDGET_H
#define RECORDER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/recorder_stats.h"
#include "schema/tick.h"

#define BUDGET_WINDOW_NS INT64_C(30000000000)
enum {
    BUDGET_LEVELS = 4, /* 0: as it is by default; 1, 2: 4 and 16 times as seldom; 3: not at all */
    BUDGET_WAIT_MOST = 128 /* windows before a step is taken back */
};

/* One running collector. */
struct budget_item {
    const char *name;
    bool optional;
    unsigned level;
    int64_t cpu_ns;        /* all so far, at the window's start */
    int64_t full_cost_ppm; /* what it cost per time at level 0, as far as known */
    uint32_t wait, waited; /* windows: before a step back, since the last step */
    bool came_back;        /* the last step was one back */
};

struct budget {
    int64_t limit_ppm; /* of one core's time; 0: any */
    struct budget_item item[COLLECTORS_MAX];
    size_t count;
    int64_t start_ns; /* of the window; 0: not begun */
    int64_t cpu_ns;   /* of the whole recorder, at its start */
    bool told;        /* that nothing is left to leave out */
};

/* How many times as seldom a collector runs at that level; 0: not at all. */
static inline int64_t budget_factor(unsigned level)
{
    return level >= BUDGET_LEVELS - 1 ? 0 : INT64_C(1) << 2 * level;
}

/*
 * After a tick: once a window has passed, decide. Takes one step at most, and adds an event to the tick:
 * "shed", "restored", or "over_budget" when only collectors are left that are not optional.
 *
 *   shape   stats: the cost of each collector so far, in the order of items
 *   units   now_ns: of a clock that goes on; cpu_ns: CPU time of the whole recorder so far
 */
void budget_look(struct budget *budget, const struct recorder_stats *stats, int64_t now_ns,
                 int64_t cpu_ns, struct tick *tick);

/* Such an event as a sentence for the log; false when it is of another kind. */
bool budget_text(const struct tick *tick, const struct tick_event *event, char *text, size_t size);

#endif
