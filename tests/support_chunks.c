/* Chunks in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/chunk.h"
#include "support_chunks.h"

static bool same_place(const struct chunk_place *a, const struct chunk_place *b)
{
    return a->level == b->level && a->table_id == b->table_id && a->block_seq == b->block_seq &&
           a->column_id == b->column_id;
}

enum status chunks_put(void *context, const struct chunk_place *place,
                       const struct byte_writer *chunk, struct error *err)
{
    struct chunks *chunks = context;
    struct memory_chunk *larger =
        realloc(chunks->chunk, (chunks->count + 1) * sizeof *chunks->chunk);

    (void)err;
    assert_non_null(larger);
    chunks->chunk = larger;
    for (size_t i = 0; i < chunks->count; i++)
        assert_false(same_place(&larger[i].place, place));
    larger[chunks->count] =
        (struct memory_chunk){ .place = *place, .data = malloc(chunk->used), .size = chunk->used };
    memcpy(larger[chunks->count].data, chunk->data, chunk->used);
    chunks->count++;
    return STATUS_OK;
}

enum status chunks_get(void *context, const struct chunk_place *place, const uint8_t **data,
                       size_t *size, struct error *err)
{
    const struct chunks *chunks = context;

    (void)err;
    for (size_t i = 0; i < chunks->count; i++)
        if (same_place(&chunks->chunk[i].place, place)) {
            *data = chunks->chunk[i].data;
            *size = chunks->chunk[i].size;
            return STATUS_OK;
        }
    return STATUS_ABSENT;
}

static void expect_frame(const uint8_t *frame, size_t frame_size, const uint8_t *bytes, size_t size)
{
    struct decompressor d = { 0 };
    struct byte_reader r;
    struct error err = { 0 };

    assert_int_equal(decompress_frame(&d, frame, frame_size, 1 << 24, &r, &err), STATUS_OK);
    assert_int_equal(r.size, size);
    assert_memory_equal(r.data, bytes, size);
    decompressor_release(&d);
}

void chunks_expect(struct chunks *chunks, uint32_t table_id, uint32_t column_id, size_t part,
                   const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < chunks->count; i++) {
        const struct memory_chunk *from = &chunks->chunk[i];
        size_t at = 0, length;
        struct chunk chunk;
        struct error err = { 0 };

        if (from->place.table_id != table_id || from->place.column_id != column_id)
            continue;
        assert_int_equal(chunk_get(&chunk, &from->place, from->data, from->size, &err), STATUS_OK);
        length = chunk.base_size;
        for (size_t g = 0; g < part; g++) {
            at += length;
            length = (size_t)bytes_get_varint(&chunk.sizes);
        }
        expect_frame(chunk.base + at, length, bytes, size);
        return;
    }
    fail_msg("no chunk of table %u, column %u", table_id, column_id);
}

void chunks_reset(struct chunks *chunks)
{
    for (size_t i = 0; i < chunks->count; i++)
        free(chunks->chunk[i].data);
    chunks->count = 0;
}

void chunks_release(struct chunks *chunks)
{
    chunks_reset(chunks);
    free(chunks->chunk);
    *chunks = (struct chunks){ 0 };
}
