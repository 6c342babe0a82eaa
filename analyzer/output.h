/*
 * Rows of typed cells as a table for people, CSV, JSON or NDJSON.
 *
 *   table   aligned, human units, "-" where a value is missing; notes after the rows. Widths come
 *           from the first OUTPUT_WIDTH_ROWS rows, which are kept until then.
 *   CSV     RFC 4180 with CRLF, UTF-8, a header row; a missing value is an empty cell, an empty
 *           text is "". Notes go to another stream.
 *   JSON    {"columns":[...],"rows":[{...}],"notes":{...}}; missing is null
 *   NDJSON  one object per row; notes are a last {"note":{...}}
 *
 * The machine formats have full precision: decimals exactly, times as RFC 3339 UTC with nine
 * fraction digits, reals so that they read back the same. A real that is not finite is missing.
 * How text is escaped is in analyzer/escape.h.
 */
#ifndef ANALYZER_OUTPUT_H
#define ANALYZER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/decimal.h"
#include "analyzer/zone.h"
#include "schema/bytes.h"
#include "schema/error.h"

#define OUTPUT_WIDTH_ROWS 10000

enum output_format { OUTPUT_TABLE, OUTPUT_CSV, OUTPUT_JSON, OUTPUT_NDJSON };

enum output_type {
    OUTPUT_TEXT,    /* cell.text, cell.text_size: any bytes */
    OUTPUT_INTEGER, /* cell.integer */
    OUTPUT_TIME,    /* cell.integer, nanoseconds since 1970 UTC */
    OUTPUT_DECIMAL, /* cell.integer * 10^column.exponent */
    OUTPUT_REAL,    /* cell.real */
};

/* How a table shows a number. */
enum output_human {
    HUMAN_PLAIN,
    HUMAN_BYTES,
    HUMAN_SECONDS,
    HUMAN_PERCENT,
    HUMAN_TIME, /* the recorded host's clock */
    HUMAN_COUNT,
    HUMAN_WATTS,
    HUMAN_JOULES,
};

struct output_column {
    const char *name;
    enum output_type type;
    enum output_human human;
    int exponent; /* of OUTPUT_DECIMAL, -19 to 19 */
};

struct output_cell {
    bool missing;
    int64_t integer;
    double real;
    const char *text;
    size_t text_size;
};

enum output_style { OUTPUT_NORMAL, OUTPUT_DIM };

struct output_writer;

struct output_options {
    enum output_format format;
    const struct output_writer *writer; /* not NULL: instead of the format's */
    void *context;                      /* its own */
    bool csv_safe;           /* disarm text that a spreadsheet could take for a formula */
    bool colour;             /* of a table on a terminal */
    size_t width;            /* the terminal's columns; 0: never cut */
    const struct zone *zone; /* of HUMAN_TIME; NULL: UTC */
    FILE *notes;             /* of CSV; NULL: notes are dropped */
};

struct output {
    FILE *file;
    const struct output_writer *writer;
    const struct output_column *columns;
    size_t count;
    struct output_options options;
    struct byte_writer bytes; /* on their way to the file */
    struct byte_writer notes; /* as the format writes them */
    struct byte_writer keys;  /* JSON: `"name":` of each column */
    struct byte_writer rows;  /* table: rows kept for their widths */
    size_t *widths;           /* table: per column */
    bool settled;             /* table: widths are final */
    uint64_t row_count;
    uint64_t note_count;
    struct decimal_clock clock;
    int write_errno; /* of the first write that failed */
};

/* INVALID, naming the formats, when `text` is none of them. */
MUST_USE enum status output_format_parse(const char *text, enum output_format *format,
                                         struct error *err);

/*
 * Begin the output of rows of `count` columns.
 *
 *   errors  NO_MEMORY
 *   owns    buffers, until output_close(), also after an error; keeps `columns`, `file` and the
 *           options' pointers
 */
MUST_USE enum status output_open(struct output *o, FILE *file, const struct output_column columns[],
                                 size_t count, const struct output_options *options,
                                 struct error *err);

/* One row of `count` cells; a failure is remembered for output_close(). */
void output_row(struct output *o, const struct output_cell cells[], enum output_style style);

/* A line of the trust statement; printed by output_close(). `name` must differ between notes. */
void output_note(struct output *o, const char *name, const char *text);

/* Something failed: further rows are wasted work. */
bool output_broken(const struct output *o);

/*
 * Write what is left, flush the file (closing it is the caller's) and free the buffers.
 *
 *   errors  IO with the reason of the first failed write; NO_MEMORY
 */
MUST_USE enum status output_close(struct output *o, struct error *err);

#endif
