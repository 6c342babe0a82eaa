/*
 * Rollups: what one series did in a window of 60 s or 3600 s, and in the whole of a short life.
 *
 * A window holds the ticks with window start < tick time <= window end; windows start at
 * multiples of their length on the timeline. Counters keep their increase, covered time and
 * largest rate, gauges the integral over time, minimum and maximum: what a report needs, exact.
 */
#ifndef SCHEMA_ROLLUP_H
#define SCHEMA_ROLLUP_H

#include "schema/block.h"
#include "schema/build.h"

/* Partial intervals, at birth and death, are at least this long. */
enum { INTERVAL_MIN_NS = 1000000 };

/* What one metric of one series did in one window. */
struct rollup_cell {
    bool present;   /* it had a value at some tick of the window */
    uint8_t reason; /* why not, when not present */
    int64_t covered_ns;
    int64_t increase;       /* counter: without falls, without what passed in gaps */
    int64_t rate_max;       /* counter: stored units per second, rounded down */
    int64_t rate_max_at_ns; /* from the window's start; stored in whole ms, of lifetimes exactly */
    int64_t last, min, max; /* gauge, state: of the samples */
    int128 sum;             /* gauge: of value * dt */
};

/* Largest rate: floor(increase * 10^9 / dt_ns), in stored units per second. */
int64_t rollup_rate(int64_t increase, int64_t dt_ns);

/* The start of the window of `seconds` that a tick belongs to. */
static inline int64_t rollup_window_start(int64_t tick_ns, int64_t seconds)
{
    int64_t length = seconds * 1000000000;
    int64_t before = wrap_subtract(tick_ns, 1);
    int64_t rest = before % length;

    return wrap_subtract(before, rest < 0 ? rest + length : rest);
}

/* Ticks [first, end) of a table, one window. */
struct rollup_span {
    uint32_t first, end;
    int64_t start_ns;
};

/* Folding one table of a level-0 block, series by series. Zero-initialised is empty. */
struct rollup_fold {
    const struct build *build;
    const uint8_t *gap; /* [tick_count]: rates must not cross into this tick of the table */
    const struct rollup_span *spans;
    size_t span_count;
    const int64_t *covered_ns; /* as from rollup_covered, or NULL */
    struct rollup_cell *cell;  /* [window][metric]: what the last series did */
    int64_t *value;            /* scratch: [tick] of one column */
    uint8_t *missing;          /* the same */
    uint32_t *read_before;     /* [metric][tick + 1] of metrics that are not read at every tick */
    uint64_t *span_read;       /* [window] metrics read in it at all */
    uint64_t read_always;      /* metrics read at every tick */
    int64_t
        falls[TABLE_METRICS_MAX]; /* [metric] how often it was less than before, in all series */
    bool gaps;
};
void rollup_fold_release(struct rollup_fold *fold);

/* Get ready for the series of a table; what is given must outlive the folding. errors NO_MEMORY */
MUST_USE enum status rollup_fold_begin(struct rollup_fold *fold, const struct build *build,
                                       const uint8_t *gap, const struct rollup_span *spans,
                                       size_t span_count, const int64_t *covered_ns,
                                       struct error *err);

/* One series into fold->cell; a window without a sample of it has no present cell. */
void rollup_fold_series(struct rollup_fold *fold, const struct series_changes *changes);

/* Whether the series did nothing throughout the block: each window covers all and shows no change. */
bool rollup_fold_quiet(const struct rollup_fold *fold, const struct series_changes *changes);

/*
 * What a series that is never missing covers of each window: covered_ns[window][metric].
 *
 *   shape   gap[tick_count]: rates must not cross into this tick of the table
 */
void rollup_covered(const struct build *build, const uint8_t *gap, const struct rollup_span *spans,
                    size_t span_count, int64_t covered_ns[]);

/* One table at one coarser level, being built. */
struct rollup {
    struct build_shape shape;
    struct build build;
    uint32_t *hash; /* open addressing: series index + 1 */
    size_t hash_size;
    uint8_t *quiet; /* [series] its last window showed no change and covers all */
    size_t quiet_size;
    int64_t *row; /* one row of columns */
    uint8_t *row_missing;
};
MUST_USE enum status rollup_init(struct rollup *rollup, enum table_id table, unsigned level,
                                 struct error *err);
void rollup_release(struct rollup *rollup);

/*
 * Add the window that begins at start_ns, number `place` among the block's; covered_ns[metric]
 * is what a series without a hole covers of it.
 */
MUST_USE enum status rollup_window(struct rollup *rollup, uint32_t place, int64_t start_ns,
                                   const int64_t covered_ns[], struct error *err);

/* Give a series its cells for the table's window of that number in the block. */
MUST_USE enum status rollup_put(struct rollup *rollup, uint32_t window, const struct series *series,
                                const struct rollup_cell cells[], struct error *err);

/*
 * Give a quiet series its windows [first, end), if its last one showed no change either: then they
 * repeat it. False: use rollup_put.
 */
bool rollup_repeat(struct rollup *rollup, uint32_t first, uint32_t end,
                   const struct series *series);

/* After sealing. */
MUST_USE enum status rollup_restart(struct rollup *rollup, struct error *err);

/*
 * The columns of one row, from its cells.
 *
 *   shape   total[metric_count]: counters' running totals before the window; advanced by the call
 */
void rollup_cells_to_row(const struct build_shape *shape, const struct rollup_cell cells[],
                         const int64_t covered_ns[], int64_t total[], int64_t values[],
                         uint8_t missing[]);

/* And back, for one metric; total_before as above. */
void rollup_cell_from_row(const struct build_shape *shape, unsigned metric, const int64_t values[],
                          const uint8_t missing[], int64_t covered_ns, int64_t total_before,
                          struct rollup_cell *cell);

/*
 * One metric that is present.
 *
 *   shape   part[metric_part_count(kind)]
 */
void rollup_cell_to_parts(enum metric_kind kind, const struct rollup_cell *cell, int64_t covered_ns,
                          int64_t total_before, int64_t part[]);
void rollup_cell_from_parts(enum metric_kind kind, const int64_t part[], int64_t covered_ns,
                            int64_t total_before, struct rollup_cell *cell);

/* The series ended in this block: no window after this one. */
void rollup_end(struct rollup *rollup, const struct series *series);

/*
 * Fold the windows of one series of a level-60 block into one window of level 3600.
 *
 *   shape   cells[metric_count]
 */
void rollup_combine(const struct series_changes *changes, int64_t window_start_ns,
                    struct rollup_cell cells[]);

#endif
