/* What all tables of `procscope export` share: the recording, the window, where rows go. */
#ifndef ANALYZER_EXPORT_H
#define ANALYZER_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/options.h"
#include "analyzer/output.h"
#include "analyzer/select.h"
#include "schema/recording.h"

/* A hash of processes: twice the id, and 1 if it is asked for; 0: free. */
struct export_chosen {
    int64_t *place;
    size_t size, count;
};

struct export
{
    const struct subject *subject;
    const struct select *select;
    FILE *file;
    struct output_options output;
    int64_t only;         /* samples tables: the series with that first key; 0: all */
    uint64_t metrics;     /* of samples tables, by position: those that are wanted */
    bool missing_reasons; /* samples tables: METRIC__missing after the metrics */
    bool plainly;         /* CSV by the row writer of the other formats; for tests */

    uint64_t row_count;   /* rows written */
    size_t block_count;   /* blocks looked at */
    size_t damaged_count; /* blocks left out, and processes without a name, as they are damaged */
    struct error damage;  /* the first of them */
    struct export_chosen chosen; /* while samples are walked */
};

static inline bool export_wants_metric(const struct export *e, size_t metric)
{
    return (e->metrics >> metric & 1) != 0;
}

/* Columns by their type. */
/* clang-format off */
#define EXPORT_TEXT(name) { name, OUTPUT_TEXT, HUMAN_PLAIN, 0 }
#define EXPORT_INTEGER(name) { name, OUTPUT_INTEGER, HUMAN_PLAIN, 0 }
#define EXPORT_BYTES(name) { name, OUTPUT_INTEGER, HUMAN_BYTES, 0 }
#define EXPORT_TIME(name) { name, OUTPUT_TIME, HUMAN_TIME, 0 }
/* clang-format on */

/* One of the tables that are not samples: name, and how its rows are written. */
struct export_table {
    const char *name;
    const char *rows; /* what one row is */
    enum status (*run)(struct export *e, struct error *err);
};
extern const struct export_table export_process_tables[4];
extern const struct export_table export_catalog_tables[6];

/*
 * The samples of a table at a level: 0 every tick, 1 and 2 one row per series and window.
 *
 *   shape   block by block, in it series by series, in it ticks ascending
 *   errors  those of writing; a damaged block is left out and remembered in `e`
 */
MUST_USE enum status export_samples(struct export *e, const struct recording_table *table,
                                    struct error *err);
MUST_USE enum status export_rollup(struct export *e, const struct recording_table *table,
                                   unsigned level, struct error *err);

/* Usage by name of evicted hours: analyzer/export_hours.c */
MUST_USE enum status export_process_hour(struct export *e, struct error *err);

/* Keep the first damage for the end of the work; anything but CORRUPT is returned. */
MUST_USE enum status export_damage(struct export *e, enum status st, const struct error *err);

#endif
