/*
 * Level-0 samples of processes -> totals per group over a window, block by block.
 *
 * A group is a process, or all that share a name (analyzer/group_key.h); each sample counts for the
 * group of the version valid at its tick. The quantities of a group at a tick are the sums of
 * its members'; its time at a tick is the longest of theirs.
 */
#ifndef ANALYZER_AGGREGATE_H
#define ANALYZER_AGGREGATE_H

#include "analyzer/attribution.h"
#include "analyzer/group.h"
#include "analyzer/rate.h"
#include "analyzer/select.h"
#include "analyzer/trace.h"

/* What can be measured of processes: one metric each. */
enum measure {
    MEASURE_CPU,
    MEASURE_CPU_USER,
    MEASURE_CPU_SYSTEM,
    MEASURE_RUN_DELAY,
    MEASURE_DISK_READ,
    MEASURE_DISK_WRITTEN,
    MEASURE_READ_CHARS,
    MEASURE_WRITTEN_CHARS,
    MEASURE_SWITCHES_VOLUNTARY,
    MEASURE_SWITCHES_INVOLUNTARY,
    MEASURE_MINOR_FAULTS,
    MEASURE_MAJOR_FAULTS,
    MEASURE_TASK_ENERGY, /* as the kernel of a Mac charges it */
    MEASURE_RESIDENT,    /* this and what follows: gauges */
    MEASURE_THREADS,
    MEASURE_SWAP,
    MEASURE_FOOTPRINT,
    MEASURE_COUNT,
};
extern const char *const measure_metric[MEASURE_COUNT]; /* catalog names */

static inline bool measure_is_gauge(enum measure m)
{
    return m >= MEASURE_RESIDENT;
}

/* The part of one series in one block that belongs to one group. */
struct piece {
    uint32_t group, series;
    uint32_t first, end; /* ticks of the table */
};

/* What the members of a group come to at a tick of the block. */
struct tick_sum {
    int64_t value; /* CPU: rate; gauge: value; of samples that may differ from the one before */
    int64_t dt_ns; /* the longest of theirs */
    int64_t quiet_step; /* what quiet members add from here on: their values, */
    int32_t quiet_more; /* and how many they are */
    bool present;
};

struct aggregate {
    /* set by the caller, the rest is zero */
    enum group_by by;
    const struct select *select;
    bool want[MEASURE_COUNT];
    bool want_mean[MEASURE_COUNT]; /* of a gauge */
    bool want_p95, want_in_gaps, want_members, want_names;
    /* Of rollups these are not read at once, but of some groups at last: aggregate_windows_of */
    bool put_off[MEASURE_COUNT];
    const int64_t *only; /* [only_count] by process, ascending: no others; NULL: all */
    size_t only_count;
    struct trace *trace; /* told of one row's samples; NULL: nobody listens */
    /* results */
    struct groups groups;
    size_t slot[MEASURE_COUNT];   /* index among a group's totals; SIZE_MAX: not wanted */
    int64_t scale[MEASURE_COUNT]; /* exported = stored * scale; 0: the file has no such metric */
    int64_t resets;               /* counters that fell */
    const struct aggregate *late; /* percentiles and gaps, read apart; NULL: they are here */
    const struct attribution *gpu, *package; /* of the same groups; NULL: not asked for */
    size_t unseen; /* processes that have no group: aggregate_lives_unseen */
    /* private */
    struct window window;
    struct rate_block block;
    struct carry carry;
    size_t position[MEASURE_COUNT];
    struct piece *piece;
    size_t piece_count, piece_size;
    struct tick_sum *tick;
    size_t tick_size;
    struct block_column part[PART_COUNT]; /* aggregate_told.c */
};

/*
 * Begin a window. CPU time is always added up.
 *
 *   errors  ABSENT: the recording holds no process samples
 *   owns    until aggregate_release, also after an error
 */
MUST_USE enum status aggregate_begin(struct aggregate *a, struct recording *recording,
                                     const struct window *window, struct error *err);
/* Add a block of level 0; blocks come in their order. */
MUST_USE enum status aggregate_block(struct aggregate *a, const struct recording_block *block,
                                     const struct block_ticks *ticks, struct error *err);
void aggregate_release(struct aggregate *a);

/* Increase of CPU time of all processes, selected or not. */
int64_t aggregate_all_cpu(const struct aggregate *a);

/* A group's total of a measure that was wanted. */
static inline const struct total *aggregate_total(const struct aggregate *a, uint32_t group,
                                                  enum measure measure)
{
    return groups_total(&a->groups, group, a->slot[measure]);
}

#endif
