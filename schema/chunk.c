/* The container of a chunk. Layout: schema/FORMAT.md, "Chunk". */
#include "schema/chunk.h"

#include <stdio.h>

static void put(struct byte_writer *w, uint8_t codec, const struct chunk_place *place,
                const struct byte_writer *base, const size_t group_sizes[], size_t group_count,
                const struct byte_writer *groups)
{
    size_t start = w->used;

    bytes_put_u8(w, codec);
    bytes_put_u8(w, (uint8_t)place->level);
    bytes_put_varint(w, place->table_id);
    bytes_put_varint(w, (uint64_t)place->block_seq);
    bytes_put_varint(w, place->column_id);
    bytes_put_varint(w, base->used);
    bytes_put_varint(w, group_count);
    for (size_t g = 0; g < group_count; g++)
        bytes_put_varint(w, group_sizes[g]);
    if (!w->full)
        bytes_put_u32(w, crc32c(0, w->data + start, w->used - start));
    bytes_put(w, base->data, base->used);
    if (groups != NULL)
        bytes_put(w, groups->data, groups->used);
}

void chunk_put(struct byte_writer *w, const struct chunk_place *place,
               const struct byte_writer *base, const size_t group_sizes[], size_t group_count,
               const struct byte_writer *groups)
{
    put(w, CHUNK_CODEC_PLANES, place, base, group_sizes, group_count, groups);
}

void chunk_put_parted(struct byte_writer *w, const struct chunk_place *place,
                      const struct byte_writer *base, const size_t group_sizes[],
                      size_t group_count, const struct byte_writer *groups)
{
    put(w, CHUNK_CODEC_PARTED, place, base, group_sizes, group_count, groups);
}

/* Whether there is such a codec, for such a chunk. */
static bool is_known(uint8_t codec, const struct chunk *chunk, const struct chunk_place *place)
{
    if (codec == CHUNK_CODEC_PARTED)
        return place->column_id == COLUMN_DIRECTORY && chunk->group_count > 0;
    return codec == CHUNK_CODEC_PLANES;
}

/* The sizes must add up to exactly what follows them. */
static enum status check_sizes(struct chunk *chunk, struct byte_reader *r, struct error *err)
{
    uint64_t total = 0;
    size_t start = r->used;

    for (size_t g = 0; g < chunk->group_count; g++) {
        uint64_t size = bytes_get_varint(r);

        if (r->overrun || size > r->size)
            return error_set(err, STATUS_CORRUPT, "table of contents");
        total += size;
    }
    chunk->sizes = (struct byte_reader){ .data = r->data + start, .size = r->used - start };
    chunk->groups_size = (size_t)total;
    return STATUS_OK;
}

enum status chunk_get(struct chunk *chunk, const struct chunk_place *place, const uint8_t *data,
                      size_t size, struct error *err)
{
    struct byte_reader r = { .data = data, .size = size };
    uint8_t codec = bytes_get_u8(&r);
    uint8_t level = bytes_get_u8(&r);
    uint64_t table_id = bytes_get_varint(&r);
    uint64_t block_seq = bytes_get_varint(&r);
    uint64_t column_id = bytes_get_varint(&r);
    uint64_t base_size = bytes_get_varint(&r);
    uint64_t groups = bytes_get_varint(&r);
    size_t covered;

    *chunk = (struct chunk){ 0 };
    if (r.overrun || base_size > size || groups > BLOCK_SERIES_MAX / GROUP_SERIES + 1)
        return error_set(err, STATUS_CORRUPT, "header");
    chunk->base_size = (size_t)base_size;
    chunk->group_count = (size_t)groups;
    if (check_sizes(chunk, &r, err) != STATUS_OK)
        return err->status;
    covered = r.used;
    if (bytes_get_u32(&r) != crc32c(0, data, covered) || r.overrun)
        return error_set(err, STATUS_CORRUPT, "header checksum");
    chunk->codec = codec;
    if (!is_known(codec, chunk, place))
        return error_set(err, STATUS_UNSUPPORTED, "codec %u; a newer procscope may know it", codec);
    if (level != place->level || table_id != place->table_id ||
        block_seq != (uint64_t)place->block_seq || column_id != place->column_id)
        return error_set(err, STATUS_CORRUPT, "belongs to another place");
    if (bytes_left(&r) < chunk->base_size ||
        bytes_left(&r) - chunk->base_size != chunk->groups_size)
        return error_set(err, STATUS_CORRUPT, "%zu bytes of frames where %zu are announced",
                         bytes_left(&r), chunk->base_size + chunk->groups_size);
    chunk->base = bytes_get(&r, chunk->base_size);
    chunk->groups = bytes_get(&r, chunk->groups_size);
    return STATUS_OK;
}

const char *chunk_describe(const struct chunk_place *place, const char *table, char *text,
                           size_t size)
{
    (void)snprintf(text, size, "%s, level %lld s, block %lld, column %u", table,
                   (long long)level_seconds[place->level % LEVEL_COUNT],
                   (long long)place->block_seq, place->column_id);
    return text;
}
