/*
 * Random samples through a build, and beside it what each sample was, kept densely: the simple
 * model that blocks and rollups are compared with.
 */
#ifndef TESTS_SUPPORT_SAMPLES_H
#define TESTS_SUPPORT_SAMPLES_H

#include "schema/block.h"
#include "schema/build.h"
#include "support_chunks.h"

enum { SAMPLES_METRICS = 7, SAMPLES_TICKS_MAX = 400, SAMPLES_SERIES_MAX = 600 };

struct samples_options {
    uint32_t seed;
    unsigned series; /* about so many at a time */
    bool extremes;   /* values from INT64_MIN to INT64_MAX */
    bool gaps;
    bool masks;      /* some metrics are not read at some ticks */
    int64_t step_ns; /* between ticks, about */
};

/* One entity from its first sample to its last, over all blocks. */
struct model_series {
    int64_t key;
    bool born, ended, open;
    int64_t start_ns, end_ns;
    int64_t born_ns;       /* when it was 0, if it was born: not before the table's tick before */
    uint32_t first, count; /* table ticks over all blocks */
    int64_t (*value)[SAMPLES_METRICS];
    uint8_t (*code)[SAMPLES_METRICS]; /* why missing, as the collector said */
    uint32_t index;                   /* in the build; UINT32_MAX when it has left it */
};

struct samples {
    struct samples_options options;
    uint32_t random;
    struct build_shape shape;
    struct build build;
    struct block_ticks block; /* the open block's axis */
    int64_t block_seq;        /* that it was encoded as */
    /* of all blocks so far: the ticks of this table */
    uint32_t tick_count, block_first;
    int64_t tick_ns[SAMPLES_TICKS_MAX];
    uint64_t mask[SAMPLES_TICKS_MAX];
    uint8_t gap[SAMPLES_TICKS_MAX];
    struct model_series series[SAMPLES_SERIES_MAX];
    size_t series_count;
    int64_t now_ns, next_key;
};

void samples_init(struct samples *s, const struct samples_options *options);
void samples_release(struct samples *s);

uint32_t samples_random(struct samples *s, uint32_t below);

/* One more tick of the block; not every one is a tick of the table. */
void samples_tick(struct samples *s);
/* The block is sealed: go on with an empty one. */
void samples_restart(struct samples *s);

/* When a metric was last read before the open block; INT64_MIN: never. */
int64_t samples_last_read(const struct samples *s, unsigned metric);
/* Was the metric read at that sample (index in the series)? */
bool samples_read(const struct samples *s, const struct model_series *series, uint32_t sample,
                  unsigned metric);
/* What a reader must find there. */
uint8_t samples_missing(const struct samples *s, const struct model_series *series, uint32_t sample,
                        unsigned metric);

/* The open block as chunks of table 3, level 0. */
void samples_encode(struct samples *s, struct chunks *chunks, int64_t block_seq);
enum status samples_decode(struct block_table *table, const struct samples *s,
                           struct chunks *chunks, int64_t block_seq, struct decompressor *d,
                           struct error *err);

#endif
