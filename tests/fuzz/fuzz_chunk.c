/* The container of a chunk and its frames, the checksums of header and plain frames made right. */
#include "tests/fuzz/fuzz_input.h"

#include <string.h>

/* Where the header's checksum stands, and the place that the header names. */
static size_t find_checksum(const uint8_t *data, size_t size, struct chunk_place *place)
{
    struct byte_reader r = { .data = data, .size = size };
    uint64_t groups;

    (void)bytes_get_u8(&r);
    place->level = bytes_get_u8(&r);
    place->table_id = (uint32_t)bytes_get_varint(&r);
    place->block_seq = (int64_t)bytes_get_varint(&r);
    place->column_id = (uint32_t)bytes_get_varint(&r);
    (void)bytes_get_varint(&r);
    for (groups = bytes_get_varint(&r); groups > 0 && !r.overrun; groups--)
        (void)bytes_get_varint(&r);
    return r.used;
}

/* Over what stands before it. */
static void put_checksum(uint8_t *data, size_t size)
{
    uint32_t crc = crc32c(0, data, size);

    for (int i = 0; i < 4; i++)
        data[size + (size_t)i] = (uint8_t)(crc >> (8 * i));
}

static void read_frame(const uint8_t *frame, size_t size, struct decompressor *d)
{
    uint8_t *copy = malloc(size + (size == 0));
    struct byte_reader content;
    struct error err = { 0 };
    enum status st;

    if (copy == NULL)
        return;
    if (size > 0)
        memcpy(copy, frame, size);
    if (size >= 5 && copy[0] == 0)
        put_checksum(copy + 1, size - 5);
    st = decompress_frame(d, copy, size, 1 << 20, &content, &err);
    fuzz_check(st, &err);
    if (st == STATUS_OK)
        (void)crc32c(0, content.data, content.size);
    free(copy);
}

static void read_frames(struct chunk *chunk)
{
    const uint8_t *frame = chunk->groups;
    struct decompressor d = { 0 };

    read_frame(chunk->base, chunk->base_size, &d);
    for (size_t g = 0; g < chunk->group_count; g++) {
        size_t size = (size_t)bytes_get_varint(&chunk->sizes);

        if (size > 0)
            read_frame(frame, size, &d);
        frame += size;
    }
    if (chunk->sizes.overrun || frame != chunk->groups + chunk->groups_size)
        abort();
    decompressor_release(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    struct chunk_place place = { 0 };
    struct chunk chunk;
    struct error err = { 0 };
    enum status st;
    size_t at;

    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    at = find_checksum(copy, size, &place);
    if (at + 4 <= size)
        put_checksum(copy, at);
    st = chunk_get(&chunk, &place, copy, size, &err);
    fuzz_check(st, &err);
    if (st == STATUS_OK)
        read_frames(&chunk);
    free(copy);
    return 0;
}
