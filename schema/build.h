/*
 * One table of the block that is being built: the last value of every series, and a chain of
 * changes per series in an arena. Memory grows with what changed, not with ticks x series.
 *
 * The same bytes that describe a change here are what a tail record holds, so that a tick is
 * compared and encoded once.
 */
#ifndef SCHEMA_BUILD_H
#define SCHEMA_BUILD_H

#include "schema/bytes.h"
#include "schema/error.h"
#include "schema/known_times.h"
#include "schema/metric.h"
#include "schema/packed_rows.h"
#include "schema/series.h"
#include "schema/tick.h"

enum {
    BUILD_COLUMNS_MAX = TABLE_METRICS_MAX * 6,
    BUILD_MASK_COLUMNS =
        60, /* columns per mask word; bit 63 of the first: missing changes follow */
    BUILD_MASK_WORDS = BUILD_COLUMNS_MAX / BUILD_MASK_COLUMNS,
};

/* The columns of one table at one level. */
struct build_shape {
    const char *name; /* of the table, for messages */
    uint32_t table_id;
    unsigned level;
    unsigned key_count; /* 0, 1, 2 */
    unsigned metric_count;
    unsigned column_count;
    struct {
        uint16_t column_id;
        uint8_t metric; /* position in the table */
        uint8_t part;   /* enum rollup_part */
        uint8_t kind;   /* enum metric_kind */
    } column[BUILD_COLUMNS_MAX];
    uint16_t first_column[TABLE_METRICS_MAX]; /* of each metric */
};

/* The shape of `metrics` at a level. */
void build_shape_init(struct build_shape *shape, const char *name, uint32_t table_id,
                      unsigned key_count, const enum metric_kind kinds[], size_t metric_count,
                      unsigned level);
void build_shape_of_table(struct build_shape *shape, enum table_id table, unsigned level);

#define BUILD_NO_SERIES UINT32_MAX

struct build_series {
    struct series series; /* key, first, count, flags so far */
    uint32_t slot;        /* of the collector; BUILD_NO_SERIES when closed or not slot-driven */
    uint32_t newest;      /* offset of its newest change, +1; 0: none in this block */
    uint32_t end_tick;    /* table tick after its last sample, in this block's count */
    int64_t since_ns;     /* time of its first sample ever */
    bool open;            /* it will go on */
    bool referenced;      /* it has reference values */
    bool missing_changed; /* some change in this block also changed what is missing */
};

struct build {
    const struct build_shape *shape;
    uint32_t tick_count; /* ticks of this table in the block so far */
    uint32_t now;        /* the tick that samples are given for: the last, unless set back */
    int64_t *tick_ns;
    uint64_t *mask;       /* metrics read at each tick; level 0 */
    uint32_t *block_tick; /* index among the block's ticks */
    int64_t *covered_ns;  /* level 1, 2: [tick][metric] */
    size_t tick_size;
    bool masked; /* some tick did not read all metrics */
    struct build_series *series;
    int64_t *value;                /* level 0: [series][column] last known */
    struct packed_rows rows;       /* level 1, 2: the same */
    struct packed_rows references; /* level 0: what bases are stored relative to */
    /* [series][metric], as all columns of a metric are missing together: */
    uint8_t *missing;         /* now */
    uint8_t *base_missing;    /* before the first sample of this block */
    struct known_times known; /* when what is missing was last known, or born */
    size_t series_count, series_size;
    size_t open_count;     /* of them */
    uint32_t *slot_series; /* slot -> series, BUILD_NO_SERIES */
    size_t slot_size;
    int64_t *column_ns;        /* [metric] when it was last read, INT64_MIN never */
    int64_t *column_before_ns; /* [metric] the same, before the current tick */
    int64_t *column_base_ns;   /* [metric] the same, before this block */
    uint8_t **segment;
    size_t segment_count, segment_size;
    size_t arena_used;
    int64_t reference_period; /* when they were taken; INT64_MIN: there are none */
    int64_t reference_seq;    /* block that has them; 0: this one */
    bool no_memory;           /* a change could not be kept: what is built is not to be used */
    uint64_t samples;         /* of this block */
    int64_t last_gap_ns;      /* the last tick with a gap before this block, INT64_MIN none */
};

MUST_USE enum status build_init(struct build *build, const struct build_shape *shape,
                                struct error *err);
void build_release(struct build *build);

/*
 * Start a tick at which the metrics of `mask` were read; `block_tick` is its place in the block. At
 * level 0 the second of some blocks makes the values of the first reference values.
 */
MUST_USE enum status build_tick(struct build *build, uint32_t block_tick, int64_t tick_ns,
                                uint64_t mask, struct error *err);

/* Make room for that many series, not fewer than there are. False: memory is out. */
bool build_resize(struct build *build, size_t size);
/* How much of the room for series, or processes, to keep for the next block after one that had so many. */
size_t build_less_room(size_t room, size_t had);

/* Add a series; its initial values and missing codes stand in the returned row's arrays. */
MUST_USE enum status build_open(struct build *build, const struct series *series, uint32_t slot,
                                uint32_t *index, struct error *err);

/* A series' last known values: in place at level 0, else unpacked into `room`[column_count]. */
const int64_t *build_values(const struct build *build, size_t index, int64_t room[]);
/* Set them, before the first sample. errors NO_MEMORY */
MUST_USE enum status build_set_values(struct build *build, size_t index, const int64_t values[],
                                      struct error *err);

/* The series has a sample at the current tick that equals its last one. */
static inline void build_same(struct build *build, uint32_t index)
{
    build->series[index].end_tick = build->now + 1;
}

/*
 * Give the series its sample at the current tick. What changed is appended to its chain and, if
 * `change` is not NULL, the same bytes to that writer, after a call of its own for the index.
 *
 *   shape   values[column_count], missing[column_count]; columns whose metric was not read now
 *           are ignored unless `force`
 *   returns whether anything changed
 */
bool build_compare(struct build *build, uint32_t index, const int64_t values[],
                   const uint8_t missing[], bool force, struct byte_writer *change);

/* Take one change of level 0 as build_compare wrote it; CORRUPT if it is not one. */
MUST_USE enum status build_apply(struct build *build, uint32_t index, struct byte_reader *change,
                                 struct error *err);

/* The series has ended: at its last sample (SERIES_ENDED set, end_ns) or without notice. */
void build_close(struct build *build, uint32_t index, uint8_t flags, int64_t end_ns);

/* The series goes on from an earlier block: mark it where it is younger than a metric's last reading. */
void build_go_on(struct build *build, uint32_t index);

/* After sealing as that block: keep the open series and their values, forget the rest and all ticks. */
void build_restart(struct build *build, int64_t block_seq);

/* What is missing of one column of one series, as runs of samples. */
struct missing_run {
    uint32_t first, count;
    uint16_t column;
    uint8_t reason;
};
enum missing_shape { MISSING_NEVER, MISSING_ALL, MISSING_RUNS };
struct missing_pattern {
    uint8_t shape;
    uint8_t reason;             /* MISSING_ALL */
    uint32_t run_at, run_count; /* MISSING_RUNS: slice of series_changes.run */
};

/* The changes of one series of the block, oldest first. */
struct series_changes {
    const struct build *build;
    const struct build_series *series;
    uint32_t index;                          /* in the build */
    uint32_t samples;                        /* how many are told here */
    uint32_t count;                          /* those at which anything changed */
    const uint32_t *sample;                  /* [count] index of the sample in the series */
    const int64_t *delta[BUILD_COLUMNS_MAX]; /* [column]: [count], or NULL: it never changed */
    const int64_t *base;                     /* [column] value before the first sample */
    const struct missing_pattern *missing;   /* [column] */
    const struct missing_run *run;
};

/* Scratch to read chains back, reused from series to series. */
struct build_reader {
    uint32_t *offset;
    uint32_t *sample;
    size_t size;    /* of the two above, and of each delta column */
    int64_t *delta; /* [column][size] */
    size_t column_size;
    int64_t base[BUILD_COLUMNS_MAX];
    struct missing_pattern missing[BUILD_COLUMNS_MAX];
    struct missing_run *run;
    size_t run_count, run_size;
    struct missing_run open[BUILD_COLUMNS_MAX];
};

/* errors NO_MEMORY; the result points into reader and build until the next call */
MUST_USE enum status build_read(struct build_reader *reader, const struct build *build,
                                uint32_t index, struct series_changes *changes, struct error *err);
/* What of a series is told elsewhere: its last sample, and the values its changes begin with. */
struct series_told {
    bool all; /* false: nothing is */
    int64_t base[TABLE_METRICS_MAX];
};

/* Leave that out of what was read. */
void build_read_less(struct build_reader *reader, struct series_changes *changes,
                     const struct series_told *told);
void build_reader_release(struct build_reader *reader);

#endif
