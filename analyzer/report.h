/* Rows in order, the remainder below them, and how far all of it can be trusted. */
#ifndef ANALYZER_REPORT_H
#define ANALYZER_REPORT_H

#include "analyzer/coverage.h"
#include "analyzer/evicted.h"
#include "analyzer/host_total.h"
#include "analyzer/options.h"
#include "analyzer/report_columns.h"
#include "analyzer/told.h"

enum { REPORT_COLUMNS_MAX = 64 };

/* A row and what it is sorted by. */
struct ranked {
    struct output_cell key;
    enum output_type type;
    bool ascending;
    uint32_t group;
    int64_t process_id;
    struct text name;
    char digits[16];
};

/* What is printed, and the data it comes from. */
struct report {
    const struct report_column *column[REPORT_COLUMNS_MAX];
    size_t column_count;
    size_t gpu_column[REPORT_COLUMNS_MAX]; /* of `devices` */
    bool titles;                           /* short headers instead of the names */
    const struct report_column *sort;
    bool ascending;
    size_t top;     /* rows */
    bool remainder; /* rows for what no shown row has */
    bool untold;    /* without the notes on how far it can be trusted */
    bool samples;   /* read all of them, also where rollups say the same */
    bool whole;     /* rows that are not shown have all figures, too */
    struct aggregate aggregate;
    struct aggregate late; /* of the rows that are shown: what only samples tell */
    struct told told;
    struct ranked *ranked; /* the first `top` in the order of rows, then the others */
    size_t ranked_count;
    struct attribution gpu, package; /* energy of GPUs and CPUs */
    bool devices;                    /* rows are GPUs, not processes */
    struct host_total host;
    struct coverage coverage;
    struct evicted evicted;
};

/* What the chosen columns need; before aggregate_begin. */
void report_want(struct report *report);

/*
 * Read the subject's window.
 *
 *   errors  whatever reading returns; the message of CORRUPT says how much was read
 */
MUST_USE enum status report_read(struct report *report, const struct subject *subject,
                                 struct error *err);

/* Rows by GPU, and of each what was its processes', idle and not attributed: report_gpu.c */
extern const struct output_column report_gpu_columns[];
extern const size_t report_gpu_column_count;
extern const char *const report_gpu_titles[];
MUST_USE enum status report_gpu_find(const char *name, size_t *column, struct error *err);
/* A figure of a GPU's own row. */
struct output_cell report_gpu_cell(struct rail *rail, size_t column);
void report_gpu_rows(const struct report *report, const struct subject *subject,
                     struct output *out);

/* Order the rows that there are so far: those to show, and behind them the others, in no order. */
MUST_USE enum status report_rank(struct report *report, const struct subject *subject,
                                 struct error *err);
/* Order those, too. */
void report_rank_others(struct report *report);

/* Look up whose row it is, for columns of its identity. */
MUST_USE enum status report_identify(struct report *report, const struct subject *subject,
                                     uint32_t group, struct error *err);

/* Write rows and notes. */
MUST_USE enum status report_print(struct report *report, const struct subject *subject, FILE *file,
                                  const struct output_options *options, struct error *err);
void report_release(struct report *report);

#endif
