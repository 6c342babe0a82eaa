/* What the files of an explanation share: lines, their sums, and words. */
#ifndef ANALYZER_CELL_PRIVATE_H
#define ANALYZER_CELL_PRIVATE_H

#include "analyzer/cell.h"

/* What is printed of a line. */
enum cell_view {
    VIEW_COUNTER, /* values and increases */
    VIEW_RATE,    /* increases, times, and how fast */
    VIEW_LEVEL,   /* values, times, and their products */
    VIEW_RANK,    /* values by size, and how long at or below */
    VIEW_SHARE,   /* what a rail used, and whose it was */
    VIEW_POWER,
    VIEW_WORK, /* GPU time */
    VIEW_MEMORY,
    VIEW_RAIL, /* what a GPU used */
};

/* One thing that was told, or several together. */
struct cell_line {
    struct trace_item
        item; /* sums of all of them; from, before: of the first; to, value: of the last */
    uint64_t pieces, samples;
    int64_t peak, peak_ns; /* the largest of what the figure is of, and when */
    int64_t in_gaps;
    int64_t hole_ns; /* before it, back to the line before, of which nothing tells */
    uint32_t gaps, resets, births, ends, firsts, ups, members, holes, aways;
    int64_t reach_ns; /* rank: time at values up to this one */
    bool decides;     /* the figure is this line's */
    const char *label;
};

/* Sums over printed lines. */
struct cell_sums {
    int128 increase, in_gaps, covered_ns, sum, weight_ns, uj, work;
    int64_t peak, p95;
    bool any;
};

struct cell_working {
    struct trace trace; /* first: what is told comes here */
    const struct report_column *column;
    enum cell_view view;
    enum group_by by;
    bool switches; /* two measures */
    bool device;   /* the row is a GPU */
    struct cell_line *line;
    size_t count, size;
    uint64_t told; /* pieces in all */
    struct cell_sums sums;
};

/* The group whose row is asked for. errors INVALID: none, or several */
MUST_USE enum status cell_find_row(const struct cell *cell, struct report *report,
                                   const struct subject *subject, uint32_t *group,
                                   struct error *err);
/* The same by GPU. */
MUST_USE enum status cell_find_gpu(const struct cell *cell, const struct report *report,
                                   const struct subject *subject, struct rail **rail,
                                   struct error *err);

/* trace.take: keep what the column is made of. */
MUST_USE enum status cell_take(struct trace *self, const struct trace_item *item,
                               struct error *err);
/* Is the figure the largest of something? */
bool cell_is_peak(const struct report_column *column);
enum cell_view cell_view_of(const struct report_column *column);

/* By GPU: the rail's intervals are the lines. */
MUST_USE enum status cell_take_rail(struct cell_working *e, const struct rail *rail,
                                    struct error *err);
enum cell_view cell_view_of_gpu(const struct report_column *column);
MUST_USE enum status cell_check_gpu(const struct cell_working *e, struct rail *rail,
                                    struct error *err);
/* errors UNSUPPORTED: they differ */
MUST_USE enum status cell_compare(const char *what, int128 lines, int128 report, struct error *err);
const char *cell_gpu_formula(const struct report_column *column);

enum { CELL_LINES_MOST = 40 }; /* of one kind; more are put together */

/* `more` comes behind `line`: make both one. */
void cell_join(struct cell_line *line, const struct cell_line *more);

/* Smallest value first; only those about the percentile one by one. */
void cell_rank(struct cell_working *e);

/* Put lines in order and together, so that few enough are left. */
void cell_condense(struct cell_working *e);

/* Add up the lines as they are printed. */
void cell_add_up(struct cell_working *e);

/* errors UNSUPPORTED, with both sums, where they are not those of the report */
MUST_USE enum status cell_check(const struct cell_working *e, const struct aggregate *a,
                                uint32_t group, struct error *err);

/* How the column is defined, in words; NULL: it is no figure that can be explained. */
const char *cell_formula(const struct report_column *column, enum group_by by);

/* As 128 bits wrap: a recording may be a stranger's. */
static inline int128 cell_add(int128 x, int128 y)
{
    return (int128)((uint128)x + (uint128)y);
}

static inline int128 cell_multiply(int128 x, int128 y)
{
    return (int128)((uint128)x * (uint128)y);
}

/* Write value * 10^exponent, exponent from -18 to 0; returns the end. 64 bytes of room. */
char *cell_put_wide(char *out, int128 value, int exponent);

/* A cell as machine formats have it; 64 bytes of room, with a NUL. */
void cell_put(char *out, const struct report_column *column, const struct output_cell *cell);

/* The columns of the view; how many they are. */
enum { CELL_COLUMNS_MAX = 20 };
size_t cell_columns(const struct cell_working *e, struct output_column columns[]);
/* Write the lines. errors CORRUPT: a process is not stored */
MUST_USE enum status cell_rows(const struct cell_working *e, const struct aggregate *a,
                               struct recording *recording, struct output *out, struct error *err);

/* What the lines come to, as arithmetic. */
void cell_put_sum(const struct cell_working *e, const struct aggregate *a, char *text, size_t size);

#endif
