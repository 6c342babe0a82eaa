/*
 * Chunks made anew around what is damaged in them. Layout: schema/FORMAT.md, "Chunk", "Directory" and
 * "Column". Frames that are good stay as they are.
 */
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/column.h"
#include "schema/salvage_private.h"

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, "chunks");
}

enum status salvage_make(struct salvage *s, const struct chunk_place *place,
                         const size_t group_sizes[], size_t group_count, struct error *err)
{
    struct extract *e = &s->e;

    bytes_reset(&e->frame);
    bytes_reset(&s->made);
    if (s->base.full || s->groups.full)
        return no_memory(err);
    if (compress_frame(&e->compressor, COMPRESS_BASE, s->base.data, s->base.used, &e->frame, err) !=
        STATUS_OK)
        return err->status;
    chunk_put(&s->made, place, &e->frame, group_sizes, group_count, &s->groups);
    return s->made.full ? no_memory(err) : STATUS_OK;
}

/* --- columns --- */

/* Numbers of patterns: the last one for series that are lost. */
static void put_numbers(struct salvage *s, struct byte_reader *numbers, size_t series,
                        uint64_t lost_pattern, const uint8_t lost[])
{
    for (size_t i = 0; i < series; i++) {
        uint64_t number = numbers == NULL ? 0 : bytes_get_varint(numbers);

        bytes_put_varint(&s->base, lost[i] ? lost_pattern : number);
    }
}

static void put_lost_pattern(struct salvage *s)
{
    bytes_put_varint(&s->base, 0); /* all samples */
    bytes_put_u8(&s->base, MISSING_DAMAGED);
}

enum status salvage_make_missing(struct salvage *s, const struct chunk_place *place, size_t series,
                                 const uint8_t lost[], struct error *err)
{
    size_t groups = (series + GROUP_SERIES - 1) / GROUP_SERIES;
    size_t *sizes = calloc(groups + 1, sizeof *sizes);
    int64_t *bases = calloc(series + 1, sizeof *bases);
    enum status st = STATUS_OK;

    bytes_reset(&s->base);
    bytes_reset(&s->groups);
    if (sizes == NULL || bases == NULL) {
        st = no_memory(err);
    } else {
        bytes_put_u8(&s->base, 1);
        column_encode(bases, series, &s->base);
        bytes_put_varint(&s->base, 1);
        put_lost_pattern(s);
        put_numbers(s, NULL, series, 1, lost);
        st = salvage_make(s, place, sizes, groups, err);
    }
    free(sizes);
    free(bases);
    return st;
}

/* The base frame of a column, with one more pattern. */
static enum status less_base(struct salvage *s, struct byte_reader *r, size_t series,
                             const uint8_t lost[], struct error *err)
{
    uint8_t has = bytes_get_u8(r);
    int64_t *bases = malloc((series + 1) * sizeof *bases);
    uint64_t patterns = 0;
    size_t from = r->used;

    if (bases == NULL)
        return no_memory(err);
    bytes_reset(&s->base);
    bytes_put_u8(&s->base, has | 1);
    if (column_decode(r, bases, series, err) != STATUS_OK) {
        free(bases);
        return err->status;
    }
    free(bases);
    bytes_put(&s->base, r->data + from, r->used - from);
    if ((has & 1) != 0)
        patterns = bytes_get_varint(r);
    from = r->used;
    for (uint64_t p = 0; p < patterns && !r->overrun; p++) {
        uint64_t runs = bytes_get_varint(r);

        if (runs == 0)
            (void)bytes_get_u8(r);
        for (; runs > 0 && !r->overrun; runs--) {
            (void)bytes_get_varint(r);
            (void)bytes_get_varint(r);
            (void)bytes_get_u8(r);
        }
    }
    bytes_put_varint(&s->base, patterns + 1);
    bytes_put(&s->base, r->data + from, r->used - from);
    put_lost_pattern(s);
    put_numbers(s, (has & 1) != 0 ? r : NULL, series, patterns + 1, lost);
    bytes_put(&s->base, r->data + r->used, r->overrun ? 0 : r->size - r->used); /* known */
    return r->overrun ? error_set(err, STATUS_CORRUPT, "a column's base") : STATUS_OK;
}

/* Frames of the groups that are not dropped. */
static void keep_groups(struct salvage *s, struct chunk *chunk, const uint8_t drop[],
                        size_t sizes[])
{
    const uint8_t *frame = chunk->groups;

    bytes_reset(&s->groups);
    for (size_t g = 0; g < chunk->group_count; g++) {
        size_t size = (size_t)bytes_get_varint(&chunk->sizes);

        sizes[g] = drop != NULL && drop[g] ? 0 : size;
        bytes_put(&s->groups, frame, sizes[g]);
        frame += size;
    }
}

/* A chunk, and the content of its base frame. */
static enum status open_chunk(struct salvage *s, const struct chunk_place *place,
                              struct chunk *chunk, struct byte_reader *base, struct error *err)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    enum status st = recording_chunk(s->e.rec, place, &data, &size, err);

    if (st == STATUS_OK)
        st = chunk_get(chunk, place, data, size, err);
    if (st == STATUS_OK)
        st = decompress_frame(&s->e.rec->d, chunk->base, chunk->base_size, BLOCK_FRAME_MAX, base,
                              err);
    return st == STATUS_ABSENT ? error_set(err, STATUS_CORRUPT, "it is missing") : st;
}

enum status salvage_make_less(struct salvage *s, const struct chunk_place *place, size_t series,
                              const uint8_t lost[], const uint8_t drop[], struct error *err)
{
    struct byte_reader base;
    struct chunk chunk;
    size_t *sizes;
    enum status st = open_chunk(s, place, &chunk, &base, err);

    if (st != STATUS_OK)
        return st;
    sizes = calloc(chunk.group_count + 1, sizeof *sizes);
    if (sizes == NULL)
        return no_memory(err);
    st = less_base(s, &base, series, lost, err);
    keep_groups(s, &chunk, drop, sizes);
    if (st == STATUS_OK)
        st = salvage_make(s, place, sizes, chunk.group_count, err);
    free(sizes);
    return st;
}

enum status salvage_renumber(struct salvage *s, const struct chunk_place *from,
                             const struct chunk_place *to, const uint8_t *data, size_t size,
                             struct error *err)
{
    struct byte_writer base = { 0 };
    struct chunk chunk;
    size_t *sizes;
    enum status st = chunk_get(&chunk, from, data, size, err);

    if (st != STATUS_OK)
        return st;
    sizes = calloc(chunk.group_count + 1, sizeof *sizes);
    bytes_put(&base, chunk.base, chunk.base_size);
    bytes_reset(&s->made);
    if (sizes != NULL && !base.full) {
        keep_groups(s, &chunk, NULL, sizes);
        chunk_put(&s->made, to, &base, sizes, chunk.group_count, &s->groups);
    }
    if (sizes == NULL || base.full || s->groups.full || s->made.full)
        st = no_memory(err);
    bytes_release(&base);
    free(sizes);
    return st;
}

/* --- directories --- */

/* Pass over what lies before the column states. */
static void skip_ticks(const struct block_table *table, unsigned metrics, struct byte_reader *r)
{
    (void)bytes_get_varint(r); /* metrics */
    (void)bytes_get_varint(r); /* ticks */
    if (bytes_get_u8(r) == 0)
        for (uint32_t i = 0; i < table->tick_count; i++)
            (void)bytes_get_varint(r);
    if (bytes_get_u8(r) != 0)
        for (uint32_t i = 0; i < table->tick_count; i++)
            (void)bytes_get_varint(r);
    for (unsigned m = 0; m < metrics; m++)
        (void)bytes_get_varint(r);
    for (uint32_t i = 0; table->place.level > 0 && i < table->tick_count; i++)
        for (unsigned m = 0; m < metrics; m++)
            (void)bytes_get_varint(r);
}

/* Pass over the keys of a part, up to the flags. */
static enum status skip_keys(const struct block_table *table, struct series_range part,
                             struct byte_reader *r, struct error *err)
{
    size_t count = part.end - part.first;
    int64_t *scratch = malloc((count + 1) * sizeof *scratch);
    enum status st = scratch == NULL ? no_memory(err) : STATUS_OK;

    for (unsigned k = 0; k < table->shape->key_count && st == STATUS_OK; k++)
        st = column_decode(r, scratch, count, err);
    free(scratch);
    return st;
}

static void change_states(const struct salvage_change *change, uint8_t *states)
{
    const struct build_shape *shape = change->table->shape;

    for (unsigned c = 0; change->state != NULL && c < shape->column_count; c++)
        if (shape->column[c].metric < change->metrics)
            states[c] = change->state[c];
}

/* Flags and activity of the series of a part, of which r is at its keys; s->base is all of the frame. */
static enum status change_part(struct salvage *s, const struct salvage_change *change,
                               struct series_range part, struct byte_reader *r, struct error *err)
{
    size_t count = part.end - part.first;
    uint8_t *flags, *kinds;

    if (skip_keys(change->table, part, r, err) != STATUS_OK)
        return err->status;
    if (r->overrun || bytes_left(r) < 2 * count)
        return error_set(err, STATUS_CORRUPT, "a directory that is cut short");
    flags = s->base.data + r->used;
    kinds = s->base.data + s->base.used - count;
    for (size_t i = 0; i < count; i++) {
        if (change->unrefer)
            flags[i] &= (uint8_t)~SERIES_REFERRED;
        if (change->idle != NULL && change->idle[(part.first + i) / GROUP_SERIES])
            kinds[i] = 0;
    }
    return STATUS_OK;
}

/* part: out: the series that the frame tells of. */
static enum status change_base(struct salvage *s, const struct salvage_change *change, bool parted,
                               struct series_range *part, struct error *err)
{
    const struct block_table *table = change->table;
    struct byte_reader r = { .data = s->base.data, .size = s->base.used };
    unsigned columns = 0;
    uint8_t *at;

    *part = (struct series_range){ 0, table->series_count };
    skip_ticks(table, change->metrics, &r);
    for (unsigned c = 0; c < table->shape->column_count; c++)
        columns += table->shape->column[c].metric < change->metrics;
    if (change->metrics > table->shape->metric_count)
        columns += change->metrics - table->shape->metric_count;
    at = s->base.data + r.used;
    if (bytes_get(&r, columns) != NULL)
        change_states(change, at);
    (void)bytes_get_varint(&r); /* reference */
    (void)bytes_get_varint(&r); /* series */
    if (parted)
        part->end = (size_t)bytes_get_varint(&r);
    if (part->end > table->series_count)
        return error_set(err, STATUS_CORRUPT, "impossible parts");
    return change_part(s, change, *part, &r, err);
}

static enum status make_whole(struct salvage *s, const struct chunk_place *place,
                              struct chunk *chunk, const struct salvage_change *change,
                              size_t sizes[], struct error *err)
{
    struct series_range all;

    keep_groups(s, chunk, change->idle, sizes);
    if (change_base(s, change, false, &all, err) != STATUS_OK)
        return err->status;
    return salvage_make(s, place, sizes, chunk->group_count, err);
}

/* The second part, changed, as the first of the groups; s->base is used for it. */
static enum status make_second(struct salvage *s, struct chunk *chunk,
                               const struct salvage_change *change, struct series_range part,
                               size_t sizes[], struct error *err)
{
    size_t size = (size_t)bytes_get_varint(&chunk->sizes);
    struct byte_reader content;
    enum status st =
        decompress_frame(&s->e.rec->d, chunk->groups, size, BLOCK_FRAME_MAX, &content, err);

    if (st != STATUS_OK)
        return st;
    bytes_reset(&s->base);
    bytes_put(&s->base, content.data, content.size);
    content = (struct byte_reader){ .data = s->base.data, .size = s->base.used };
    st = s->base.full ? no_memory(err) : change_part(s, change, part, &content, err);
    chunk->groups += size;
    chunk->group_count--;
    keep_groups(s, chunk, change->idle, sizes + 1);
    bytes_reset(&s->e.frame);
    if (st == STATUS_OK)
        st = compress_frame(&s->e.compressor, COMPRESS_BASE, s->base.data, s->base.used,
                            &s->e.frame, err);
    sizes[0] = s->e.frame.used;
    return st;
}

static enum status make_parted(struct salvage *s, const struct chunk_place *place,
                               struct chunk *chunk, const struct salvage_change *change,
                               size_t sizes[], struct error *err)
{
    struct byte_writer base = { 0 }, groups = { 0 };
    struct series_range part;
    enum status st = change_base(s, change, true, &part, err);

    if (st == STATUS_OK)
        st =
            compress_frame(&s->e.compressor, COMPRESS_BASE, s->base.data, s->base.used, &base, err);
    part = (struct series_range){ part.end, change->table->series_count };
    if (st == STATUS_OK)
        st = make_second(s, chunk, change, part, sizes, err);
    bytes_reset(&s->made);
    if (st == STATUS_OK) {
        bytes_put(&groups, s->e.frame.data, s->e.frame.used);
        bytes_put(&groups, s->groups.data, s->groups.used);
        chunk_put_parted(&s->made, place, &base, sizes, chunk->group_count + 1, &groups);
        if (s->groups.full || groups.full || s->made.full)
            st = no_memory(err);
    }
    bytes_release(&base);
    bytes_release(&groups);
    return st;
}

enum status salvage_make_directory(struct salvage *s, const struct chunk_place *place,
                                   const struct salvage_change *change, struct error *err)
{
    struct byte_reader base;
    struct chunk chunk;
    size_t *sizes;
    enum status st = open_chunk(s, place, &chunk, &base, err);

    if (st != STATUS_OK)
        return st;
    sizes = calloc(chunk.group_count + 1, sizeof *sizes);
    if (sizes == NULL)
        return no_memory(err);
    bytes_reset(&s->base);
    bytes_put(&s->base, base.data, base.size);
    if (s->base.full)
        st = no_memory(err);
    else if (chunk.codec == CHUNK_CODEC_PARTED)
        st = make_parted(s, place, &chunk, change, sizes, err);
    else
        st = make_whole(s, place, &chunk, change, sizes, err);
    free(sizes);
    return st;
}
