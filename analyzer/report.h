/* The columns of `report`: what each is, and its value for one group. */
#ifndef ANALYZER_REPORT_H
#define ANALYZER_REPORT_H

#include "analyzer/aggregate.h"
#include "analyzer/output.h"

enum statistic {
    STAT_TEXT,         /* something of the process or its version */
    STAT_COVERED,      /* seconds covered */
    STAT_SECONDS,      /* a ns counter's increase, as seconds */
    STAT_PERCENT_MEAN, /* of one core */
    STAT_PERCENT_P95,
    STAT_PERCENT_MAX,
    STAT_IN_GAPS,
    STAT_INCREASE, /* a counter's increase */
    STAT_MEAN,     /* a gauge's mean over time */
    STAT_MAX,
    STAT_PROCESSES,
    STAT_ROW,
    STAT_NOT_RECORDED, /* needs a table that this version does not record: always empty */
};

struct report_column {
    struct output_column output; /* name, type, human form */
    const char *title;           /* in a table; NULL: the name */
    enum statistic statistic;
    enum measure measure;
    bool contract; /* part of what machine formats print by default */
};

extern const struct report_column report_columns[];
extern const size_t report_column_count;

/* NULL if there is none of that name. */
const struct report_column *report_column(const char *name);

/* The value of a column for a group; texts point into the group or `text`. */
struct output_cell report_cell(const struct report_column *column, const struct aggregate *a,
                               struct group *group, char text[32]);

#endif
