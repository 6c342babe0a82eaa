/* What one output format fills in, and what the formats share. Only output*.c include this. */
#ifndef ANALYZER_OUTPUT_WRITER_H
#define ANALYZER_OUTPUT_WRITER_H

#include "analyzer/output.h"

/* The longest number or time, quotes and separator included. */
#define OUTPUT_NUMBER_ROOM 80

struct output_writer {
    const char *name;
    void (*begin)(struct output *o);
    void (*row)(struct output *o, const struct output_cell cells[], enum output_style style);
    void (*note)(struct output *o, const char *name, const char *text);
    void (*end)(struct output *o);
};

extern const struct output_writer output_table_writer;
extern const struct output_writer output_csv_writer;
extern const struct output_writer output_json_writer;
extern const struct output_writer output_ndjson_writer;

bool output_is_missing(const struct output_column *column, const struct output_cell *cell);

/* A number or a time in full precision, without quotes; OUTPUT_NUMBER_ROOM is enough. */
char *output_put_number(struct output *o, char *out, const struct output_column *column,
                        const struct output_cell *cell);

/* Room for `more` bytes in `w`; NULL when memory ran out, which is remembered. */
char *output_room(struct byte_writer *w, size_t more);
/* What was written from output_room() up to `end` stays. */
void output_keep(struct byte_writer *w, const char *end);

void output_put_text(struct byte_writer *w, const char *text);

/* "NAME: TEXT", safe for a terminal. */
void output_note_line(struct output *o, const char *name, const char *text);

/* Hand the buffered bytes to the file. */
void output_flush(struct output *o);

#endif
