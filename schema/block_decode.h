/* Shared by the two halves of decoding: the directory and the columns. */
#ifndef SCHEMA_BLOCK_DECODE_H
#define SCHEMA_BLOCK_DECODE_H

#include "schema/block.h"
#include "schema/chunk.h"

enum { BLOCK_FRAME_MAX = 1 << 27 }; /* no frame unpacks to more bytes */

/* CORRUPT with a message that names the chunk. */
enum status block_corrupt(const struct block_table *table, const struct chunk_place *place,
                          const char *what, struct error *err);

/* Fetch a chunk and take its header apart; the message of an error names the chunk. */
enum status block_fetch(const struct block_table *table, const struct chunk_place *place,
                        chunk_source *source, void *source_context, struct chunk *chunk,
                        struct error *err);

/*
 * What a directory's frames tell of series; r is behind what the first tells of the table. only: of which key,
 * NULL: of all.
 *
 *   errors  ABSENT: of that key there is none; CORRUPT, NO_MEMORY
 */
enum status block_get_series(struct block_table *table, const int64_t *only,
                             const struct chunk *chunk, struct byte_reader *r,
                             struct decompressor *d, struct error *err);

/* Copy the groups of a directory's chunk, for block_table_activity. */
enum status block_keep_activity(struct block_table *table, const struct chunk *chunk,
                                struct error *err);

/* The lifetimes that tell how the series flagged so begin and end. */
enum status block_find_told(struct block_table *table, const struct block_ticks *ticks,
                            chunk_source *source, void *source_context, struct decompressor *d,
                            struct error *err);
/* Where the reference values of the series flagged so are. */
enum status block_find_references(struct block_table *table, struct reference_keys *keys,
                                  chunk_source *source, void *source_context,
                                  struct decompressor *d, struct error *err);
/* Where the reference values of a column are kept, NULL if they are not decoded yet; NULL: nowhere. */
int64_t **block_kept_reference(const struct block_table *table, size_t position);

/*
 * For the wanted series of a column, column->which. The reference values, into column->reference; and what lifetimes
 * tell, into column->told and column->told_missing: final counters, the values that gauges had last, or why
 * there are none.
 *
 *   errors  CORRUPT, NO_MEMORY
 */
enum status block_get_reference(struct block_column *column, const struct block_table *table,
                                size_t position, chunk_source *source, void *source_context,
                                struct decompressor *d, struct error *err);
enum status block_get_told(struct block_column *column, const struct block_table *table,
                           size_t position, chunk_source *source, void *source_context,
                           struct decompressor *d, struct error *err);
/* Bases are told by reference values. */
void block_add_reference(struct block_column *column, const struct block_table *table);
/* Bases of gauges whose lifetimes tell the last value. */
void block_begin_told(struct block_column *column, const struct block_table *table);
/* Last samples that lifetimes tell: final counters, gauges that are gone. Bases are 0 again. */
void block_end_told(struct block_column *column, const struct block_table *table, bool counter);
/* All of the wanted rows are missing for that reason, or, with MISSING_NONE, none is. */
void block_begin_missing(struct block_column *column, const struct block_table *table,
                         uint8_t reason);

/* Whether a group's frame is to be decoded for those series. */
static inline bool block_wants_group(const struct block_table *table, size_t group,
                                     struct series_range which)
{
    return group * GROUP_SERIES < which.end && (group + 1) * GROUP_SERIES > which.first &&
           (table->left_out == NULL || table->left_out[group] == 0);
}

/* Samples that the table's own chunks tell of: not the last one if a lifetime tells it. */
static inline uint32_t block_stored_count(const struct block_table *table, size_t index)
{
    return table->series[index].count - block_is_told(table, index);
}

#endif
