/* Chunks kept in memory: the sink and the source of codec tests. */
#ifndef TESTS_SUPPORT_CHUNKS_H
#define TESTS_SUPPORT_CHUNKS_H

#include "schema/block.h"

struct memory_chunk {
    struct chunk_place place;
    uint8_t *data;
    size_t size;
};

struct chunks {
    struct memory_chunk *chunk;
    size_t count;
};

/* A chunk_sink and a chunk_source; context is a struct chunks. */
enum status chunks_put(void *context, const struct chunk_place *place,
                       const struct byte_writer *chunk, struct error *err);
enum status chunks_get(void *context, const struct chunk_place *place, const uint8_t **data,
                       size_t *size, struct error *err);

/* Fail unless frame `part` (0: base, 1: first group, …) of that chunk unpacks to these bytes. */
void chunks_expect(struct chunks *chunks, uint32_t table_id, uint32_t column_id, size_t part,
                   const uint8_t *bytes, size_t size);

void chunks_reset(struct chunks *chunks);
void chunks_release(struct chunks *chunks);

#endif
