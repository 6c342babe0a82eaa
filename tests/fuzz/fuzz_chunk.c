/* The container of a chunk, its checksum made right. */
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
    if (at + 4 <= size) {
        uint32_t crc = crc32c(0, copy, at);

        for (int i = 0; i < 4; i++)
            copy[at + (size_t)i] = (uint8_t)(crc >> (8 * i));
    }
    st = chunk_get(&chunk, &place, copy, size, &err);
    fuzz_check(st, &err);
    if (st == STATUS_OK) {
        size_t total = 0;

        for (size_t g = 0; g < chunk.group_count; g++)
            total += (size_t)bytes_get_varint(&chunk.sizes);
        if (chunk.sizes.overrun || total != chunk.groups_size)
            abort();
        (void)crc32c(crc32c(0, chunk.base, chunk.base_size), chunk.groups, chunk.groups_size);
    }
    free(copy);
    return 0;
}
