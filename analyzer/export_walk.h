/* The blocks of a table that a window touches. */
#ifndef ANALYZER_EXPORT_WALK_H
#define ANALYZER_EXPORT_WALK_H

#include "analyzer/export.h"

/* Some series of one block: of the table's ticks, those in the window. */
struct export_slice {
    const struct recording_block *block;
    const struct block_table *table;
    uint32_t first_tick, end_tick;
    size_t first_series, end_series;
    /* export_dense() only */
    const struct block_column *column; /* by position in table->shape */
    const bool *decoded;               /* false: all of that column is missing */
};

typedef enum status export_visit(void *context, const struct export_slice *slice,
                                 struct error *err);

/*
 * Visit the blocks of a table that have ticks in the window: at level 0 from < time <= to; at the
 * others every window that shares time with it. Of each the series are narrowed already, and the
 * activity of these is known.
 *
 *   errors  the visitor's; a damaged block is left out and remembered in `e`
 */
MUST_USE enum status export_walk(struct export *e, const struct recording_table *table,
                                 unsigned level, export_visit *visit, void *context,
                                 struct error *err);

/* How many blocks that walk visits. */
size_t export_block_count(const struct export *e, unsigned level);

/* One block of that walk, opened by who goes on at his own pace. */
struct export_block {
    struct block_ticks ticks;
    struct block_table directory;
    struct export_slice slice;
};
/* errors ABSENT: nothing of it is asked for. owns: export_block_close, also after an error */
MUST_USE enum status export_block_open(struct export *e, const struct recording_table *table,
                                       const struct recording_block *block, struct export_block *b,
                                       struct error *err);
void export_block_close(struct export_block *b);

/* What one slice may take in memory, decoded: larger blocks come group by group. */
#define EXPORT_SLICE_BYTES ((size_t)1 << 30)

/*
 * The series that are decoded together: all of a block, or GROUP_SERIES where `bytes`, of all,
 * are too many, or where some processes are asked for.
 */
static inline size_t export_step(const struct export *e, const struct block_table *table,
                                 size_t bytes)
{
    bool all = bytes <= EXPORT_SLICE_BYTES && select_all(e->select);

    return all || table->series_count <= GROUP_SERIES ? table->series_count : GROUP_SERIES;
}

/* Where the series that are decoded together with `series` end. */
static inline size_t export_step_end(size_t series, size_t step, size_t end)
{
    size_t next = (series / step + 1) * step;

    return next < end ? next : end;
}

/*
 * Narrow the slice to the processes that are asked for, by any of their names, and what lies between
 * them; it is empty if none is.
 *
 *   errors  only other than CORRUPT: a process that is not stored may be asked for
 */
MUST_USE enum status export_narrow(struct export *e, const struct recording_table *table,
                                   struct export_slice *slice, struct error *err);

/* Is a column to be decoded? Where all is missing only if the reasons are wanted. */
static inline bool export_wants(const struct export *e, const struct block_table *table, size_t c)
{
    return export_wants_metric(e, table->shape->column[c].metric) &&
           (table->column_state[c] < 2 || e->missing_reasons);
}

/* Decoded columns, kept from block to block; zero-initialised is ready. */
struct export_dense {
    struct block_column *column;
    bool *decoded;
    size_t count;
};
void export_dense_release(struct export_dense *dense);

/* Decode what is wanted of the slice's series. */
MUST_USE enum status export_decode(struct export_dense *dense, struct export *e,
                                   const struct export_slice *slice, struct error *err);

/* Visit a block, given whole, in slices with decoded columns. */
MUST_USE enum status export_dense(struct export_dense *dense, struct export *e,
                                  const struct recording_table *table,
                                  const struct export_slice *whole, export_visit *visit,
                                  void *context, struct error *err);

#endif
