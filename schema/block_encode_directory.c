/* The directory of a table of a block, and its reference values. Layout: schema/FORMAT.md. */
#include <stdlib.h>
#include <string.h>

#include "schema/block_encode.h"
#include "schema/column.h"

/* Which of the block's ticks this table was sampled at, and what was read there. */
static void put_table_ticks(struct encoding *e)
{
    const struct build *build = e->build;
    struct byte_writer *w = &e->raw;
    uint32_t at = 0;

    bytes_put_varint(w, build->shape->metric_count);
    bytes_put_varint(w, build->tick_count);
    bytes_put_u8(w, build->tick_count == e->ticks->count ? 1 : 0);
    for (uint32_t i = 0; build->tick_count != e->ticks->count && i < build->tick_count; i++) {
        bytes_put_varint(w, build->block_tick[i] - at);
        at = build->block_tick[i] + 1;
    }
    bytes_put_u8(w, build->masked ? 1 : 0);
    for (uint32_t i = 0; build->masked && i < build->tick_count; i++)
        bytes_put_varint(w, build->mask[i] ^ (i > 0 ? build->mask[i - 1] : 0));
    for (unsigned m = 0; m < build->shape->metric_count; m++) {
        int64_t before = build->column_base_ns[m];

        bytes_put_varint(w, before == INT64_MIN
                                ? 0
                                : 1 + zigzag((uint64_t)build->tick_ns[0] - (uint64_t)before));
    }
    for (uint32_t i = 0; build->shape->level > 0 && i < build->tick_count; i++)
        for (unsigned m = 0; m < build->shape->metric_count; m++) {
            const int64_t *covered = build->covered_ns + (size_t)i * build->shape->metric_count;

            bytes_put_zigzag(w, wrap_subtract(covered[m], m == 0 ? 0 : covered[m - 1]));
        }
}

static void put_series_times(struct encoding *e, struct series_range part)
{
    const struct build *build = e->build;
    struct byte_writer *w = &e->raw;

    for (size_t i = part.first; i < part.end; i++) {
        const struct build_series *s = &build->series[e->order[i].index];

        if (e->order[i].told)
            continue;
        if ((s->series.flags & (SERIES_BORN | SERIES_YOUNG)) != 0)
            bytes_put_zigzag(w, wrap_subtract(build->tick_ns[s->series.first], s->series.start_ns));
        if ((s->series.flags & SERIES_ENDED) != 0)
            bytes_put_zigzag(w, wrap_subtract(build->tick_ns[s->end_tick - 1], s->series.end_ns));
    }
}

/* Each less the one before, the first as it is. */
static void put_differences(struct encoding *e, struct series_range part,
                            int64_t value(const struct encoding *e, size_t i, unsigned k),
                            unsigned k)
{
    int64_t before = 0;

    for (size_t i = part.first; i < part.end; i++) {
        int64_t now = value(e, i, k);

        e->fact[i - part.first] = wrap_subtract(now, before);
        before = now;
    }
    column_encode(e->fact, part.end - part.first, &e->raw);
}

static int64_t key_of(const struct encoding *e, size_t i, unsigned k)
{
    return e->order[i].key[k];
}

static int64_t first_of(const struct encoding *e, size_t i, unsigned k)
{
    (void)k;
    return e->build->series[e->order[i].index].series.first;
}

static void put_series_facts(struct encoding *e, struct series_range part)
{
    const struct build *build = e->build;
    struct byte_writer *w = &e->raw;

    for (unsigned k = 0; k < build->shape->key_count; k++)
        put_differences(e, part, key_of, k);
    for (size_t i = part.first; i < part.end; i++)
        bytes_put_u8(
            w, (uint8_t)(build->series[e->order[i].index].series.flags |
                         (e->order[i].told ? SERIES_TOLD : 0) |
                         (build->series[e->order[i].index].referenced ? SERIES_REFERRED : 0)));
    put_differences(e, part, first_of, 0);
    for (size_t i = part.first; i < part.end; i++)
        e->fact[i - part.first] =
            (int64_t)block_sample_count(&build->series[e->order[i].index]) - 1;
    column_encode(e->fact, part.end - part.first, w);
    put_series_times(e, part);
    if (!e->kinds.full)
        bytes_put(w, e->kinds.data + part.first, part.end - part.first);
}

/* The base frame as far as it tells of the table, and how many series there are. */
static void put_table(struct encoding *e)
{
    int64_t reference_seq =
        e->build->reference_seq == 0 ? e->place.block_seq : e->build->reference_seq;

    bytes_reset(&e->raw);
    put_table_ticks(e);
    for (size_t c = 0; c < e->build->shape->column_count; c++)
        bytes_put_u8(&e->raw, block_column_state(&e->column[c]));
    bytes_put_varint(&e->raw,
                     e->referenced ? 1 + (uint64_t)(e->place.block_seq - reference_seq) : 0);
    bytes_put_varint(&e->raw, e->series_count);
}

/* The second part as a frame, then the groups' frames, all in `groups`; e->directory_sizes goes with it. */
static enum status put_second_part(struct encoding *e, struct byte_writer *groups,
                                   struct error *err)
{
    bytes_reset(&e->raw);
    put_series_facts(e, (struct series_range){ e->first_part, e->series_count });
    if (e->raw.full)
        return error_set(err, STATUS_NO_MEMORY, "directory of %s", e->build->shape->name);
    if (compress_frame(&e->encoder->compressor, COMPRESS_BASE, e->raw.data, e->raw.used, groups,
                       err) != STATUS_OK)
        return err->status;
    memmove(e->directory_sizes + 1, e->directory_sizes,
            e->group_count * sizeof *e->directory_sizes);
    e->directory_sizes[0] = groups->used;
    bytes_put(groups, e->directory_groups.data, e->directory_groups.used);
    return STATUS_OK;
}

static enum status emit_parted(struct encoding *e, struct error *err)
{
    struct byte_writer groups = { 0 };
    enum status st = put_second_part(e, &groups, err);

    if (st == STATUS_OK) {
        put_table(e);
        bytes_put_varint(&e->raw, e->first_part);
        put_series_facts(e, (struct series_range){ 0, e->first_part });
        st = block_emit_parted(e, e->directory_sizes, &groups, err);
    }
    bytes_release(&groups);
    return st;
}

enum status block_emit_directory(struct encoding *e, struct error *err)
{
    if (e->kinds.full || e->bitmaps.full || e->directory_groups.full)
        return error_set(err, STATUS_NO_MEMORY, "directory of %s", e->build->shape->name);
    if (e->first_part < e->series_count)
        return emit_parted(e, err);
    put_table(e);
    put_series_facts(e, (struct series_range){ 0, e->series_count });
    return block_emit(e, COLUMN_DIRECTORY, e->directory_sizes, &e->directory_groups, err);
}

/* Whether any reference value of the column is not 0; they are left in e->fact. */
static bool reference_column(struct encoding *e, size_t count, size_t c)
{
    int64_t values[BUILD_COLUMNS_MAX];
    int64_t any = 0;

    for (size_t i = 0; i < count; i++) {
        packed_rows_get(&e->build->references, e->order[i].index, values);
        e->fact[i] = values[c];
        any |= e->fact[i];
    }
    return any != 0;
}

enum status block_emit_reference(struct encoding *e, struct error *err)
{
    const struct build *build = e->build;
    const struct build_shape *shape = build->shape;
    size_t count = 0;

    for (size_t i = 0; i < build->series_count; i++)
        if (build->series[i].referenced)
            e->order[count++] = (struct order){ .key = { build->series[i].series.key[0],
                                                         build->series[i].series.key[1] },
                                                .index = (uint32_t)i };
    block_sort_order(e->order, count);
    bytes_reset(&e->raw);
    bytes_put_varint(&e->raw, count);
    for (unsigned k = 0; k < shape->key_count; k++) {
        for (size_t i = 0; i < count; i++)
            e->fact[i] = wrap_subtract(e->order[i].key[k], i == 0 ? 0 : e->order[i - 1].key[k]);
        column_encode(e->fact, count, &e->raw);
    }
    for (size_t c = 0; c < shape->column_count; c++)
        bytes_put_u8(&e->raw, reference_column(e, count, c));
    if (block_emit(e, COLUMN_REFERENCE, NULL, NULL, err) != STATUS_OK)
        return err->status;
    for (size_t c = 0; c < shape->column_count; c++) {
        if (!reference_column(e, count, c))
            continue;
        bytes_reset(&e->raw);
        column_encode(e->fact, count, &e->raw);
        if (block_emit(e, COLUMN_REFERENCE + shape->column[c].column_id, NULL, NULL, err) !=
            STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}
