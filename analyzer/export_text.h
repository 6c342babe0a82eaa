/*
 * The CSV text of one series' rows, from who it is to the line end: only what changes from row to
 * row is written again. A field that keeps its length is overwritten in place; else the fields
 * behind it are laid out again. As some metrics are read every tenth tick only, two rows are kept: that
 * with them and that without.
 */
#ifndef ANALYZER_EXPORT_TEXT_H
#define ANALYZER_EXPORT_TEXT_H

#include "analyzer/export_rows.h"

/* Copies are rounded up to so many bytes: behind each text there is as much room. */
enum { TEXT_COPY_SIZE = 32, TEXT_NUMBER_ROOM = 64 };

struct text_field {
    const char *text; /* of its value */
    uint32_t size;    /* 0: the value is beyond an integer, once scaled; shown as missing */
    char number[TEXT_NUMBER_ROOM];
};

struct text_row {
    char *text;
    size_t size, room;
    bool laid_out;
    uint64_t there; /* metrics that are not missing in it */
    uint64_t stale; /* those that have another text by now */
    uint32_t at[TABLE_METRICS_MAX], field_size[TABLE_METRICS_MAX];
};

/* Zero-initialised is ready for export_text_init. */
struct export_text {
    struct text_row row[2];
    unsigned current;

    const struct export_layout *layout;
    bool csv_safe;
    struct output_cell *cell;  /* of the identity columns, from [layout->identity_at] */
    struct byte_writer labels; /* states' labels as CSV cells, TEXT_COPY_SIZE bytes of room each */
    size_t *label_at[TABLE_METRICS_MAX]; /* [label_count + 1] */
    size_t fields_room;                  /* the longest that all metrics of a row can become */
    size_t identity_size;
    uint64_t wanted; /* metrics that have a column */
    uint64_t stale;  /* those whose text is of an earlier value; they are missing */
    struct text_field field[TABLE_METRICS_MAX];
};

/* The layout lasts as long. errors NO_MEMORY. owns: export_text_release, also after an error */
MUST_USE enum status export_text_init(struct export_text *text, const struct export *e,
                                      const struct export_layout *layout, struct error *err);
void export_text_release(struct export_text *text);

/* The first row of somebody: text->cell says who, value[metric] what. */
MUST_USE enum status export_text_begin(struct export_text *text, const int64_t value[],
                                       uint64_t there, struct error *err);

/* The next row: of all values only those in `moved` may be others than in the row before. */
void export_text_move(struct export_text *text, const int64_t value[], uint64_t moved,
                      uint64_t there);

/* Copy, up to TEXT_COPY_SIZE bytes more than asked for. */
static inline void export_text_copy(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i += TEXT_COPY_SIZE)
        memcpy(to + i, from + i, TEXT_COPY_SIZE);
}

#endif
