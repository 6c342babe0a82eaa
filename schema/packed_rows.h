/*
 * Rows of columns that are mostly 0 or small, each in as few bytes as it needs: a bit per column that
 * is not 0, then a zigzag varint for each of those. Of rollups, whose rows wait an hour or a day for
 * the next, a row of 115 columns takes some 60 bytes, not 920.
 */
#ifndef SCHEMA_PACKED_ROWS_H
#define SCHEMA_PACKED_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised, then `columns` set, is empty: all rows are zeros. */
struct packed_rows {
    size_t columns;
    uint8_t *data; /* per row: u16 room, then the packed row; byte 0 is nobody's */
    size_t used, size;
    size_t garbage;  /* bytes of rows that have moved or gone */
    uint32_t *at;    /* [row_size] where a row is in data; 0: all zeros */
    size_t row_size; /* rows that there is room for */
};
void packed_rows_release(struct packed_rows *rows);

/* Make room for that many rows, which are zeros if they are new; false when memory is out. */
bool packed_rows_resize(struct packed_rows *rows, size_t row_size);

/* shape   values[columns] */
void packed_rows_get(const struct packed_rows *rows, size_t row, int64_t values[]);

/* Set a row; false when memory is out, then it is as before. */
bool packed_rows_put(struct packed_rows *rows, size_t row, const int64_t values[]);

/* Make a row zeros. */
void packed_rows_clear(struct packed_rows *rows, size_t row);

/* A row takes the place of another, which is gone; its own is zeros then. */
void packed_rows_move(struct packed_rows *rows, size_t to, size_t from);

#endif
