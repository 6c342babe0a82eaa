/*
 * A chunk: the stored bytes of one column (or the directory) of one table of one block. A header
 * that repeats where the chunk belongs, a table of contents, its crc32c, then one zstd frame for
 * what concerns all series ("base") and one per group of series; a group without one has size 0.
 */
#ifndef SCHEMA_CHUNK_H
#define SCHEMA_CHUNK_H

#include "schema/block.h"

struct chunk {
    uint8_t codec;
    const uint8_t *base;
    size_t base_size;
    size_t group_count;
    struct byte_reader sizes; /* of the groups' frames, as varints */
    const uint8_t *groups;    /* first group's frame */
    size_t groups_size;
};

/* Header and contents for frames that are already compressed: base, then groups in order. */
void chunk_put(struct byte_writer *w, const struct chunk_place *place,
               const struct byte_writer *base, const size_t group_sizes[], size_t group_count,
               const struct byte_writer *groups);

/* The same of a directory whose series are in two parts; the second part is the first of its groups. */
void chunk_put_parted(struct byte_writer *w, const struct chunk_place *place,
                      const struct byte_writer *base, const size_t group_sizes[],
                      size_t group_count, const struct byte_writer *groups);

/* errors CORRUPT: the bytes are not the chunk of `place` */
MUST_USE enum status chunk_get(struct chunk *chunk, const struct chunk_place *place,
                               const uint8_t *data, size_t size, struct error *err);

/* "process_samples, level 60, block 7, column 8", for messages. */
const char *chunk_describe(const struct chunk_place *place, const char *table, char *text,
                           size_t size);

#endif
