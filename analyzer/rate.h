/*
 * Samples -> intervals: how long each sample stands for, what a counter gained in it, how fast.
 *
 * A sample at tick time t stands for the interval since the series' previous present value; it
 * belongs to the window (from, to] that t lies in, so adjacent windows tile. No time, and no
 * rate, is taken across a gap; what a counter gained there is told apart.
 *
 * One table of one block is opened for a window, its columns are loaded one after the other, and
 * each series of the loaded column is walked in runs: single samples, or as many as do not change.
 */
#ifndef ANALYZER_RATE_H
#define ANALYZER_RATE_H

#include "analyzer/carry.h"
#include "analyzer/when.h"
#include "schema/recording.h"
#include "schema/rollup.h"

/* The latest gap before the block at hand, looked for only as far back as somebody asks. */
struct rate_gaps {
    const struct recording_block *block; /* the block that "before" means; NULL: none yet */
    int64_t last_ns;  /* tick before which the latest gap lies; NO_TIME: none was found */
    int64_t since_ns; /* no other gap from here to the block */
};

/* One table of one block, as far as the window goes. */
struct rate_block {
    struct recording *recording;
    const struct recording_block *block;
    const struct recording_table *table;
    struct block_table directory;
    struct block_column column; /* loaded last */
    uint32_t first, end;        /* the table's ticks in the window */
    int64_t *steady_ns;         /* [tick] time between ticks up to this one, gaps left out */
    size_t steady_size;
    struct rate_gaps gaps;
    int64_t block_gap_ns; /* the tick of this block before which its latest gap lies, or NO_TIME */
    const struct carry *carry; /* values before a new session, or NULL */
};

/*
 * Open a table of a block; what an earlier block left in `b` is used again.
 *
 *   errors  ABSENT: the block has no sample of the table in the window
 *   owns    *b, until rate_block_release; zero-initialised is ready
 */
MUST_USE enum status rate_block_open(struct rate_block *b, const struct recording_block *block,
                                     const struct block_ticks *ticks, const struct window *window,
                                     struct error *err);
/* Load the column of the metric at `position` in the table. */
MUST_USE enum status rate_block_column(struct rate_block *b, size_t position, struct error *err);
void rate_block_release(struct rate_block *b);

/* Samples at `count` ticks of the table, of which only the first can differ from the one before. */
struct rate_run {
    uint32_t tick, count;
    int64_t value;    /* stored units */
    int64_t dt_ns;    /* covered time, of all of them; 0: none */
    int64_t increase; /* counter: since the value before; 0 where that is not known */
    bool known;       /* there was a value before, or a birth in view */
    bool gap;         /* a gap lies in between: increase happened in it, and dt_ns is 0 */
    bool reset;       /* the counter fell: increase is 0 */
    bool quiet;       /* all equal the sample a tick earlier; gaps are left out of dt_ns */
};

struct rate_walk {
    const struct rate_block *b;
    const struct series *series;
    const int64_t *value;
    const uint8_t *missing; /* NULL: none from the sample before the first on */
    const uint32_t *change; /* next sample at which something may change */
    const uint32_t *change_end;
    uint32_t sample, end;
    bool known, gap;
    int64_t before, before_ns; /* the last present value and its time */
};

/* Walk the present samples of one series at ticks first to end - 1 of the table. */
void rate_begin(struct rate_walk *walk, const struct rate_block *b, size_t index, uint32_t first,
                uint32_t end);

/* The next run of present samples; false at the end. */
bool rate_next(struct rate_walk *walk, struct rate_run *run);

/* The interval that ends at a tick inside a quiet run; 0 across a gap. */
static inline int64_t rate_tick_dt(const struct rate_block *b, uint32_t tick)
{
    return b->steady_ns[tick] - b->steady_ns[tick - 1];
}

#endif
