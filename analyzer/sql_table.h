/*
 * A recording as tables for SQL, apart from SQLite: columns, and rows one by one. Samples are decoded
 * block by block while rows are taken, only the columns asked for; all other tables are small and
 * kept while they are read. "usage" is the report by process of any time range.
 */
#ifndef ANALYZER_SQL_TABLE_H
#define ANALYZER_SQL_TABLE_H

#include "analyzer/capture.h"
#include "analyzer/options.h"

enum sql_kind {
    SQL_SAMPLES, /* a row is one series at one tick; has time_ns, and a key or none */
    SQL_OTHER,   /* one of the other tables of `procscope export` */
    SQL_USAGE,   /* a row is a process; from_ns and to_ns say when */
};

struct sql_column {
    char *name;
    const char *type; /* "INTEGER", "REAL", "TEXT" */
    bool hidden;
};

struct sql_table {
    const char *name;
    enum sql_kind kind;
    struct sql_column *column;
    size_t column_count;
    size_t time_at,
        key_at;            /* columns of SQL_SAMPLES: time_ns, first key; SIZE_MAX: there is none */
    size_t from_at, to_at; /* columns of SQL_USAGE */
    size_t metric_at;      /* first of SQL_SAMPLES that is a metric */
    const struct recording_table *samples;
    const struct export_table *other;
};

struct sql_recording {
    struct subject subject;
    struct sql_table *table;
    size_t table_count;
};

/* What is asked for. The cursor may give more rows than the bounds say, never fewer. */
struct sql_filter {
    bool has_from, has_to, has_key;
    int64_t from_ns, to_ns; /* samples with from < time <= to */
    int64_t key;
    uint64_t used; /* columns, by bits; the last one speaks for all behind it, too */
};

struct sql_value {
    enum capture_kind kind;
    int64_t integer;
    double real;
    const char *text; /* until the cursor moves */
    size_t text_size;
};

/* errors as subject_open. owns: sql_recording_close, also after an error */
MUST_USE enum status sql_recording_open(struct sql_recording *recording, const char *path,
                                        struct error *err);
void sql_recording_close(struct sql_recording *recording);
const struct sql_table *sql_table_find(const struct sql_recording *recording, const char *name);

/* Is the report's column one of usage? */
struct report_column;
bool sql_usage_has(const struct report_column *column);

struct sql_cursor;
/*
 * Stands on the first row, if there is one. errors whatever reading returns: CORRUPT ends the query, as sums
 * over what is left would be wrong.
 */
MUST_USE enum status sql_cursor_open(struct sql_cursor **cursor, struct sql_recording *recording,
                                     const struct sql_table *table, const struct sql_filter *filter,
                                     struct error *err);
MUST_USE enum status sql_cursor_next(struct sql_cursor *cursor, struct error *err);
bool sql_cursor_ended(const struct sql_cursor *cursor);
/* False: memory is out. */
bool sql_cursor_value(struct sql_cursor *cursor, size_t column, struct sql_value *value);
void sql_cursor_close(struct sql_cursor *cursor);

#endif
