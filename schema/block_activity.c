/*
 * Which samples of a series changed anything: the groups of a directory chunk. They are most of its bytes,
 * so those of other series are left compressed. Every count read here comes from a file that may be
 * damaged or hostile.
 */
#include <stdlib.h>

#include "schema/block_decode.h"

/* Samples of one series at which something changed, out of its bitmap. */
static bool get_bitmap(struct block_table *table, size_t index, struct byte_reader *r, size_t *at)
{
    uint32_t samples = block_stored_count(table, index);
    size_t size = (samples + 7) / 8;
    const uint8_t *bitmap = bytes_get(r, size);

    if (bitmap == NULL)
        return false;
    for (size_t b = 0; b < size; b++)
        for (unsigned rest = bitmap[b]; rest != 0; rest &= rest - 1) {
            uint32_t sample = (uint32_t)(b * 8) + (uint32_t)__builtin_ctz(rest);

            if (sample >= samples)
                return false;
            table->active[(*at)++] = sample;
        }
    return true;
}

/* The same, out of a list. */
static bool get_list(struct block_table *table, size_t index, struct byte_reader *r, size_t *at)
{
    uint32_t samples = block_stored_count(table, index);
    uint64_t count = bytes_get_varint(r), sample = 0;

    if (count > samples)
        return false;
    for (; count > 0; count--, sample++) {
        uint64_t skip = bytes_get_varint(r);

        if (skip >= samples - sample)
            return false;
        sample += skip;
        table->active[(*at)++] = (uint32_t)sample;
    }
    return !r->overrun;
}

static bool get_group_activity(struct block_table *table, const uint8_t *kinds, size_t first,
                               size_t end, struct byte_reader *bitmaps, size_t *at)
{
    for (size_t i = first; i < end; i++) {
        table->active_at[i] = *at;
        if (kinds[i] == 1)
            for (uint32_t s = 0; s < block_stored_count(table, i); s++)
                table->active[(*at)++] = s;
        else if (kinds[i] == 2 && !get_bitmap(table, i, bitmaps, at))
            return false;
        else if (kinds[i] == 3 && !get_list(table, i, bitmaps, at))
            return false;
        else if (kinds[i] > 3)
            return false;
        if (block_stored_count(table, i) <
            table->series[i].count) /* one sample is told elsewhere */
            table->active[(*at)++] = table->series[i].count - 1;
    }
    return bytes_left(bitmaps) == 0;
}

/* The chunk's sizes and groups, kept as they are stored. */
struct block_activity {
    struct byte_reader sizes; /* of the groups' frames */
    size_t group_count;
    const uint8_t *groups;
    uint8_t bytes[];
};

enum status block_keep_activity(struct block_table *table, const struct chunk *chunk,
                                struct error *err)
{
    struct byte_reader sizes = chunk->sizes;
    const uint8_t *groups = chunk->groups;
    size_t size, groups_size;
    struct block_activity *kept;

    if (chunk->codec == CHUNK_CODEC_PARTED)
        groups += bytes_get_varint(&sizes); /* the second part */
    size = bytes_left(&sizes);
    groups_size = chunk->groups_size - (size_t)(groups - chunk->groups);
    kept = malloc(sizeof *kept + size + groups_size);
    table->active = malloc((table->row[table->series_count] + 1) * sizeof *table->active);
    table->activity = kept;
    if (kept == NULL || table->active == NULL)
        return error_set(err, STATUS_NO_MEMORY, "activity of %s", table->shape->name);
    kept->group_count = (table->series_count + GROUP_SERIES - 1) / GROUP_SERIES;
    kept->sizes = (struct byte_reader){ .data = kept->bytes, .size = size };
    kept->groups = kept->bytes + size;
    memcpy(kept->bytes, sizes.data + sizes.used, size);
    memcpy(kept->bytes + size, groups, groups_size);
    return STATUS_OK;
}

static enum status get_group(struct block_table *table, size_t first, size_t end,
                             const uint8_t *frame, size_t size, struct decompressor *d, size_t *at,
                             struct error *err)
{
    struct byte_reader bitmaps = { 0 };

    if (size > 0 && decompress_frame(d, frame, size, BLOCK_FRAME_MAX, &bitmaps, err) != STATUS_OK)
        return err->status == STATUS_CORRUPT
                   ? block_corrupt(table, &table->place, "a group's frame is damaged", err)
                   : err->status;
    if (!get_group_activity(table, table->kinds, first, end, &bitmaps, at))
        return block_corrupt(table, &table->place, "activity that does not fit", err);
    return STATUS_OK;
}

enum status block_table_activity(struct block_table *table, struct series_range which,
                                 struct decompressor *d, struct error *err)
{
    const struct block_activity *kept = table->activity;
    struct byte_reader sizes = kept->sizes;
    const uint8_t *frame = kept->groups;
    size_t at = 0;

    table->active_for = (struct series_range){ 0, 0 };
    for (size_t g = 0; g < kept->group_count; g++) {
        size_t size = (size_t)bytes_get_varint(&sizes);
        size_t first = g * GROUP_SERIES;
        size_t end =
            first + GROUP_SERIES < table->series_count ? first + GROUP_SERIES : table->series_count;

        if (first < which.end && end > which.first) {
            if (!block_wants_group(table, g, which))
                table->active_at[first] = at; /* where the group before ends */
            else if (get_group(table, first, end, frame, size, d, &at, err) != STATUS_OK)
                return err->status;
            table->active_for.first = table->active_for.end == 0 ? first : table->active_for.first;
            table->active_for.end = end;
        }
        frame += size;
    }
    table->active_at[table->active_for.end] = at;
    return STATUS_OK;
}
