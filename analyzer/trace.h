/*
 * What the figures of one row are added up from, told piece by piece while they are added up.
 *
 * Where nobody listens nothing is told. What is told is what was added, by the code that adds it, so it cannot
 * say anything else than the report does.
 */
#ifndef ANALYZER_TRACE_H
#define ANALYZER_TRACE_H

#include "analyzer/group.h"
#include "schema/bytes.h"

struct rail;

enum trace_what {
    TRACE_RUN,     /* of a process: samples as in struct rate_run */
    TRACE_TICK,    /* of a group: what its members come to at a tick */
    TRACE_WINDOW,  /* of a process: a window of a rollup, as its samples are gone */
    TRACE_USAGE,   /* of a name: sums of an hour, as its samples are gone */
    TRACE_SHARE,   /* of a process: its part of what a rail used between two readings */
    TRACE_POWER,   /* of a row: power for a time */
    TRACE_WORK,    /* of a process: GPU time from one reading to the next */
    TRACE_AT_WORK, /* of a row: time of which GPU time is known */
    TRACE_MEMORY,  /* of a row: GPU memory at a tick */
    TRACE_RAIL,    /* of a rail: an interval between two readings */
};

struct trace_item {
    enum trace_what what;
    unsigned which;     /* RUN to USAGE: enum measure; others: 1 of CPU packages, 0 of GPUs */
    uint32_t row;       /* SHARE, POWER: whose, by its number among the groups */
    int64_t process_id; /* 0: of all of the row's */
    const struct recording_block *block; /* that knows who it is */
    int64_t from_ns, to_ns;              /* NO_TIME: not known */
    uint32_t count;                      /* samples */
    bool known, gap, reset, born, ended; /* known: `before` is */
    int64_t before, value;               /* counter, gauge; MEMORY: bytes; POWER: microwatts */
    int64_t increase, dt_ns;
    int64_t covered_ns; /* what came to covered time */
    int64_t rate;       /* CPU, per second, the largest */
    int128 sum;         /* gauge: of value * dt; WORK: millionths of a nanosecond */
    /* SHARE: what the rail used, what of it was idle, and the part that came to the process */
    const struct rail *rail;
    int64_t rail_uj, idle_uj, uj;
    int128 weight, weights; /* its time and that of all; millionths of a nanosecond */
    bool up;                /* a microjoule of the rounding came to it */
    bool counter;           /* before, value: the rail's readings, microjoules, else milliwatts */
};

/* A listener, and whose row it listens to. */
struct trace {
    bool all;           /* to everybody's */
    int64_t process_id; /* by process */
    struct text key;    /* else */
    enum status (*take)(struct trace *self, const struct trace_item *item, struct error *err);
};

/* Is this what somebody listens to? `number` 0 is nobody's row. */
bool trace_wants(const struct trace *trace, const struct groups *groups, uint32_t number);

#endif
