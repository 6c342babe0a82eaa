/* Rows of typed cells kept in memory, for who takes them one by one. */
#ifndef ANALYZER_CAPTURE_H
#define ANALYZER_CAPTURE_H

#include "analyzer/output.h"

enum capture_kind { CAPTURE_NULL, CAPTURE_INTEGER, CAPTURE_REAL, CAPTURE_TEXT };

struct capture_cell {
    enum capture_kind kind;
    uint32_t text_size;
    union {
        int64_t integer;
        double real;
        size_t text_at; /* in capture.text */
    } as;
};

/* Zero-initialised is empty. */
struct capture {
    bool columns_only; /* end at the first row; the output's own end says IO then */
    char **name;       /* [column_count] */
    enum output_type *type;
    size_t column_count;
    struct capture_cell *cell; /* [row_count][column_count] */
    size_t row_count, cell_size;
    struct byte_writer text;
    bool no_memory;
};

/* Options of an output that goes into `capture`. */
struct output_options capture_options(struct capture *capture);
void capture_release(struct capture *capture);

/* Times become RFC 3339 texts; decimals whole numbers where they are, else reals. */
struct capture_cell capture_convert(struct capture *capture, const struct output_column *column,
                                    const struct output_cell *cell);

static inline const struct capture_cell *capture_at(const struct capture *capture, size_t row,
                                                    size_t column)
{
    return &capture->cell[row * capture->column_count + column];
}

#endif
