/* The columns of `timeline`: made from the metrics of the table, whatever it is. */
#ifndef ANALYZER_TIMELINE_COLUMNS_H
#define ANALYZER_TIMELINE_COLUMNS_H

#include "analyzer/export_rows.h"
#include "analyzer/timeline.h"

enum timeline_figure {
    TIMELINE_HIDDEN,   /* rows of this kind have none */
    TIMELINE_TIME,     /* when the bucket begins */
    TIMELINE_IDENTITY, /* .which: number of the cell */
    TIMELINE_LENGTH,
    TIMELINE_TICKS,
    TIMELINE_COVERED,
    TIMELINE_INCREASE, /* this and what follows: of the metric .which */
    TIMELINE_RATE_MEAN,
    TIMELINE_RATE_MAX,
    TIMELINE_IN_GAPS,
    TIMELINE_MEAN,
    TIMELINE_MAX,
    TIMELINE_LAST,
};

struct timeline_column {
    enum timeline_figure figure;
    size_t which;
};

enum { TIMELINE_COLUMNS_MAX = 8 + 4 * TABLE_METRICS_MAX };

/* All that a table can be asked for, and what was. Zero-initialised is empty. */
struct timeline_columns {
    struct export_layout layout; /* names and types, [column] */
    struct timeline_column column[TIMELINE_COLUMNS_MAX];
    size_t chosen[TIMELINE_COLUMNS_MAX]; /* [chosen_count] of them */
    size_t chosen_count;
    bool titles; /* short headers instead of the names */
};

/*
 * List the columns that rows of the timeline's kind have.
 *
 *   owns    until timeline_columns_release, also after an error
 */
MUST_USE enum status timeline_columns_init(struct timeline_columns *columns,
                                           const struct timeline *t, struct error *err);
void timeline_columns_release(struct timeline_columns *columns);

/*
 * Choose columns: by a list of names, in which a metric's stands for all of its columns; or those
 * that are shown by default: to people of the known metrics (bits), to programs of all.
 *
 *   errors  INVALID: no such column, or one twice
 */
MUST_USE enum status timeline_columns_named(struct timeline_columns *columns, const char *list,
                                            struct error *err);
void timeline_columns_default(struct timeline_columns *columns, bool people, uint64_t known);

/* Which metrics the chosen columns need: into t->metric and t->in_gaps. */
void timeline_columns_want(const struct timeline_columns *columns, struct timeline *t);

/* What stands over a chosen column. */
const char *timeline_columns_title(const struct timeline_columns *columns, size_t chosen);

/* A figure of a row; `cell` is that of its metric. digits: EXPORT_DIGITS */
struct output_cell timeline_figure(const struct timeline_columns *columns,
                                   const struct timeline_column *column,
                                   const struct timeline_cell *cell, char digits[]);

#endif
