/* How the metrics of made-up entities move, one shape each. */
#ifndef TOOLS_GENERATE_SHAPE_H
#define TOOLS_GENERATE_SHAPE_H

#include <stdint.h>

#include "schema/metric.h"
#include "tools/generate_random.h"

enum move {
    MOVE_ABSENT, /* missing, for the reason `low` */
    MOVE_FIXED,  /* always `low` */
    MOVE_COUNT,  /* grows by low to high a second */
    MOVE_RARE,   /* grows by 1, low times in a million seconds */
    MOVE_WALK,   /* up and down between low and high, a little at a time */
    MOVE_LATER,  /* follows from others */
};

struct shape {
    enum move move;
    int64_t low, high;
};

/* What weighs on the host beyond what it always does, at a tick: shares of time, and per second. */
struct strain {
    int64_t cpu_ppm, memory_ppm, io_ppm, gpu_ppm;
    int64_t memory_bytes; /* in use, more than else */
    int64_t written_bytes, received_bytes, throttles;
    int64_t slower; /* requests to disks take so many times as long; 0: as ever */
    int64_t oom_kills;
};

/* Values at the beginning. */
void shapes_begin(const struct shape shapes[], size_t count, int64_t values[],
                  struct random_source *random);
/* Values after dt_ns more; what is MOVE_LATER stays. */
void shapes_move(const struct shape shapes[], size_t count, int64_t dt_ns, int64_t values[],
                 struct random_source *random);

#endif
