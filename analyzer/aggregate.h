/*
 * Level-0 samples of processes -> totals per group over a window.
 *
 * A group is a process, or all that share a comm, an exe or a user; each sample counts for the
 * group of the version valid at its tick. The quantities of a group at a tick are the sums of
 * its members'; its time at a tick is the longest of theirs.
 */
#ifndef ANALYZER_AGGREGATE_H
#define ANALYZER_AGGREGATE_H

#include "analyzer/options.h"
#include "analyzer/select.h"
#include "schema/identity.h"
#include "schema/recording.h"

enum group_by { BY_PROCESS, BY_COMM, BY_EXE, BY_USER };

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
    MEASURE_RESIDENT, /* this and what follows: gauges */
    MEASURE_THREADS,
    MEASURE_SWAP,
    MEASURE_COUNT,
};
extern const char *const measure_metric[MEASURE_COUNT]; /* catalog names */

/* Stored units. */
struct total {
    bool present;       /* some sample had a value */
    bool known;         /* counter: some increase, be it 0, was known */
    int64_t increase;   /* counter: outside gaps */
    int64_t in_gaps;    /* counter: across gaps */
    int64_t covered_ns; /* time that is covered; a gauge's weight */
    int64_t rate_max;   /* CPU: per second */
    int128 sum;         /* gauge: of value * dt */
    int64_t max;        /* gauge */
};

/* Time spent at a rate. */
struct rate_time {
    int64_t rate, dt_ns;
};

struct group {
    int64_t process_id;            /* BY_PROCESS, else 0 */
    struct text key;               /* else: the comm, exe or user */
    void *owned_key;
    const struct process *process; /* BY_PROCESS */
    const struct version *version; /* BY_PROCESS: of the last sample in the window */
    int64_t last_ns;               /* when that was */
    size_t process_count;
    int64_t last_process_id; /* counted last */
    struct total *total;     /* [MEASURE_COUNT], those wanted */
    struct rate_time *rates; /* CPU rates other than 0, if percentiles are wanted */
    size_t rate_count, rate_size;
    int64_t idle_ns;     /* time at rate 0 */
    int64_t time_end_ns; /* end of what is covered so far */
    size_t place;        /* in the block's matrix, + 1; while a block is walked */
};

/* Host-wide sums over the window, for what processes do not account for. */
struct host_total {
    bool known;          /* cores were recorded */
    bool exact;          /* busy_us comes from cpuacct */
    int64_t cores;       /* series of cpu_samples seen */
    int64_t busy_us, idle_us, steal_us, elapsed_us; /* summed over cores */
    int64_t total_us;           /* busy + idle + stolen */
    int64_t exact_us, exact_ns; /* cpuacct usage, and the time it covers */
};

struct gap_seen {
    int64_t at_ns, length_ns;
};

struct aggregate {
    enum group_by by;
    struct select select;
    bool want[MEASURE_COUNT];
    bool want_percentiles;
    /* results */
    const struct recording *recording;
    struct group *groups;
    size_t group_count, group_size;
    int64_t scale[MEASURE_COUNT]; /* exported = stored * scale; 0: the file has no such metric */
    int64_t all_cpu;              /* increase of CPU time of all processes, selected or not */
    struct host_total host;
    int64_t covered_ns, tick_count; /* by the ticks of the window */
    struct gap_seen gaps[8];        /* the first of them */
    size_t gap_count;
    int64_t resets;
    int64_t ticks_missed, ticks_dropped, exits_lost; /* -1: not recorded */
    size_t tail_blocks;
    /* private */
    uint32_t *hash;
    size_t hash_size;
    struct tick_sum *matrix;
    size_t matrix_size, matrix_rows;
    size_t *touched;
    size_t touched_size;
};

/* by, select, want and want_percentiles are set by the caller; the rest is zero. */
MUST_USE enum status aggregate_run(struct aggregate *aggregate, struct subject *subject,
                                   struct error *err);
void aggregate_release(struct aggregate *aggregate);

/* The smallest rate v with at least `share` of the covered time at rates up to v; sorts rates. */
int64_t group_percentile(struct group *group, int percent);

#endif
