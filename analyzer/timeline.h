/*
 * Samples of one table -> a row per bucket of time: of all that is selected, of those that share a
 * name, or of each series.
 *
 * Buckets tile the window. A sample is in the bucket that its tick lies in, and stands for the
 * interval since the series' value before, as in analyzer/rate.h: what counters gained adds up over
 * buckets to what `report` says of the window, to the unit.
 *
 * Rows are kept until no later block can have a sample in their bucket, then they are handed over.
 */
#ifndef ANALYZER_TIMELINE_H
#define ANALYZER_TIMELINE_H

#include "analyzer/coverage.h"
#include "analyzer/group.h"
#include "analyzer/options.h"
#include "analyzer/rate.h"
#include "analyzer/select.h"
#include "analyzer/timeline_buckets.h"

enum timeline_by {
    TIMELINE_TOTAL,  /* one row per bucket */
    TIMELINE_SERIES, /* a row per process, or entity, or pair of them */
    TIMELINE_NAME,   /* a row per comm, exe or user: see .name */
};

/* What one metric came to in a bucket, in stored units. */
struct timeline_cell {
    int128 sum;         /* gauge: of value * dt */
    int64_t increase;   /* counter: outside gaps */
    int64_t in_gaps;    /* counter: across gaps */
    int64_t covered_ns; /* no moment twice */
    int64_t weight_ns;  /* gauge: of dt in the sum */
    int64_t min, max;   /* counter: rate per second; gauge: value */
    int64_t last;       /* state: the latest value */
    bool present;       /* some sample had a value */
    bool timed;         /* some of them with covered time */
    bool ranged;        /* min and max are set */
};

/* Whose row it is. */
struct timeline_key {
    size_t bucket;
    int64_t id[2]; /* the series' keys; the number of its group; 0 of a total */
};

struct timeline_row {
    struct timeline_key key;
    int64_t last_ns;                     /* of its samples */
    const struct recording_block *block; /* which has that one */
    const struct timeline_cell *cell;    /* [metric_count], set when it is handed over */
};

/* Rows that are not complete yet. Zero-initialised is empty. */
struct timeline_rows {
    struct timeline_row *row;
    struct timeline_cell *cell; /* [row][metric_count] */
    size_t count, size, metric_count;
    uint32_t *hash; /* row + 1 */
    size_t hash_size;
};

/* The row of that key, made if it is new. errors NO_MEMORY */
MUST_USE enum status timeline_row(struct timeline_rows *rows, const struct timeline_key *key,
                                  size_t *row, struct error *err);
/* Forget the rows of buckets before `bucket`. */
void timeline_rows_drop(struct timeline_rows *rows, size_t bucket);
void timeline_rows_release(struct timeline_rows *rows);

/* Takes the rows of one bucket, none if nothing was sampled in it; buckets come in order. */
struct timeline_sink {
    enum status (*bucket)(void *self, size_t bucket, const struct timeline_row rows[], size_t count,
                          struct error *err);
    void *self;
};

/* The part of one series in one block that belongs to one row of each bucket. */
struct timeline_piece {
    int64_t id[2];
    uint32_t series;
    uint32_t first, end; /* ticks of the table */
};

/* What the members of a row come to at a tick of the block. */
struct timeline_tick {
    int64_t value;      /* increase or value, of samples that may differ from the one before */
    int64_t dt_ns;      /* the longest of theirs */
    int64_t quiet_step; /* what quiet members add from here on: their values, */
    int32_t quiet_more; /* and how many they are */
    bool present;
};

struct timeline {
    /* set by the caller, the rest is zero */
    enum timeline_by by;
    enum group_by name;
    const struct select *select;
    const struct recording_table *table;
    size_t metric[TABLE_METRICS_MAX]; /* positions of those that are wanted */
    size_t metric_count;
    uint64_t in_gaps; /* bits, by position: what a counter gained between two sessions counts */
    struct timeline_buckets buckets;
    struct timeline_sink sink;
    /* results */
    struct groups groups; /* TIMELINE_NAME: a row's id[0] is a number in here */
    struct coverage coverage;
    int64_t resets; /* counters that fell */
    /* private */
    size_t next; /* bucket to hand over */
    int key;     /* which of the table's keys is a process; -1: none is */
    struct rate_block block;
    struct carry carry[TABLE_METRICS_MAX]; /* [metric] */
    struct timeline_rows rows;
    struct timeline_piece *piece;
    size_t piece_count, piece_size;
    struct timeline_tick *tick;
    size_t *bucket_of; /* [tick] */
    size_t tick_size;
    int64_t
        *until_ns; /* [group][metric] covered so far, where rows are sums; NO_TIME: nothing is */
    size_t until_size;
};

/*
 * Read the subject's window, and hand over all of its buckets.
 *
 *   errors  whatever reading and the sink return; the message of CORRUPT says how much was read
 *   owns    until timeline_release, also after an error
 */
MUST_USE enum status timeline_read(struct timeline *t, const struct subject *subject,
                                   struct error *err);
void timeline_release(struct timeline *t);

/* Which metrics of t->table have a value anywhere near the window, as bits; all, if none has. */
MUST_USE enum status timeline_known(const struct timeline *t, const struct subject *subject,
                                    uint64_t *metrics, struct error *err);

/* Add the pieces of the block at hand: the metric of that number, whose column is loaded. */
MUST_USE enum status timeline_add(struct timeline *t, size_t number, struct error *err);

#endif
