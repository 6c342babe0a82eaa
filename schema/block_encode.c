/* The columns of a built table of a block into chunks. Layout: schema/FORMAT.md, "Column". */
#include <stdlib.h>

#include "schema/block_encode.h"
#include "schema/chunk.h"
#include "schema/column.h"

static int block_by_key(const void *a, const void *b)
{
    const struct order *x = a, *y = b;

    if (x->part != y->part)
        return x->part ? 1 : -1;
    for (int k = 0; k < 2; k++)
        if (x->key[k] != y->key[k])
            return x->key[k] < y->key[k] ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index; /* it came back: in order of time */
}

/* Series mostly are in order already: they came with ascending keys. */
void block_sort_order(struct order *order, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (block_by_key(&order[i - 1], &order[i]) > 0) {
            qsort(order, count, sizeof *order, block_by_key);
            return;
        }
}

static bool is_part(const struct build *build, const struct build_series *s)
{
    return s->series.first != 0 || s->end_tick != build->tick_count ||
           (s->series.flags & (SERIES_FIRST | SERIES_ENDED)) != 0;
}

/* Who asks for one process that was always there need not read of those that were not, where they are many. */
static size_t first_part(const struct encoding *e)
{
    size_t whole = 0;

    while (whole < e->series_count && e->order[whole].part == 0)
        whole++;
    whole -= whole % GROUP_SERIES;
    if (e->place.level > 0 || whole == 0 || e->series_count - whole < GROUP_SERIES)
        return e->series_count;
    return whole;
}

static enum status sort_series(struct encoding *e, struct error *err)
{
    const struct build *build = e->build;
    size_t count = build->series_count;

    e->order = malloc((count + 1) * sizeof *e->order);
    if (e->order == NULL)
        return error_set(err, STATUS_NO_MEMORY, "directory of %s", build->shape->name);
    for (size_t i = 0; i < 2 * count; i++) { /* the whole ones, then the others */
        bool part = i >= count;
        size_t index = part ? i - count : i;
        const struct build_series *s = &build->series[index];

        if (s->end_tick <= s->series.first || is_part(build, s) != part)
            continue; /* or it ended before the block's first tick */
        e->referenced |= s->referenced;
        e->order[e->series_count++] = (struct order){ .key = { s->series.key[0], s->series.key[1] },
                                                      .part = part,
                                                      .index = (uint32_t)index };
    }
    block_sort_order(e->order, e->series_count);
    e->group_count = (e->series_count + GROUP_SERIES - 1) / GROUP_SERIES;
    e->first_part = first_part(e);
    return STATUS_OK;
}

static enum status init(struct encoding *e, struct error *err)
{
    size_t columns = e->build->shape->column_count, series = e->build->series_count + 1;

    if (sort_series(e, err) != STATUS_OK)
        return err->status;
    e->column = calloc(columns, sizeof *e->column);
    e->directory_sizes = calloc((columns + 1) * (e->group_count + 1), sizeof *e->directory_sizes);
    e->fact = malloc(series * sizeof *e->fact);
    if (e->column == NULL || e->directory_sizes == NULL || e->fact == NULL)
        return error_set(err, STATUS_NO_MEMORY, "columns of %s", e->build->shape->name);
    for (size_t c = 0; c < columns; c++) {
        e->column[c].group_sizes = e->directory_sizes + (c + 1) * (e->group_count + 1);
        e->column[c].all_missing = true;
    }
    return STATUS_OK;
}

static void release_column(struct column_out *o)
{
    bytes_release(&o->bases);
    bytes_release(&o->patterns);
    bytes_release(&o->pattern_of);
    bytes_release(&o->known);
    bytes_release(&o->groups);
    free(o->delta);
    o->delta = NULL;
}

static void release(struct encoding *e)
{
    for (size_t c = 0; e->column != NULL && c < e->build->shape->column_count; c++)
        release_column(&e->column[c]);
    free(e->column);
    free(e->fact);
    free(e->directory_sizes);
    free(e->order);
    bytes_release(&e->kinds);
    bytes_release(&e->bitmaps);
    bytes_release(&e->directory_groups);
    bytes_release(&e->raw);
    bytes_release(&e->frame);
    bytes_release(&e->chunk);
}

/* Activity of one series: 0 never, 1 at every sample, 2 as a bitmap, 3 as a list. */
static void put_activity(struct encoding *e, const struct series_changes *changes)
{
    size_t bytes = (changes->samples + 7) / 8;
    bool all = changes->count == changes->samples;
    uint8_t kind = changes->count == 0 ? 0 : all ? 1 : changes->count * 2 > bytes ? 2 : 3;
    uint32_t at = 0;

    bytes_put_u8(&e->kinds, kind);
    if (kind == 3) {
        bytes_put_varint(&e->bitmaps, changes->count);
        for (uint32_t i = 0; i < changes->count; i++) {
            bytes_put_varint(&e->bitmaps, changes->sample[i] - at);
            at = changes->sample[i] + 1;
        }
    }
    if (kind != 2 || !bytes_reserve(&e->bitmaps, bytes))
        return;
    memset(e->bitmaps.data + e->bitmaps.used, 0, bytes);
    for (uint32_t i = 0; i < changes->count; i++)
        e->bitmaps.data[e->bitmaps.used + changes->sample[i] / 8] |=
            (uint8_t)(1 << changes->sample[i] % 8);
    e->bitmaps.used += bytes;
}

static bool put_deltas(struct column_out *o, const int64_t delta[], size_t count)
{
    if (o->delta_size - o->delta_count < count) {
        size_t more = o->delta_size * 2 + count + 64;
        int64_t *larger = realloc(o->delta, more * sizeof *larger);

        if (larger == NULL)
            return false;
        o->delta = larger;
        o->delta_size = more;
    }
    memcpy(o->delta + o->delta_count, delta, count * sizeof *delta);
    o->delta_count += count;
    return true;
}

/* The pattern's bytes; equal to the one before it in most cases, then not written again. */
static void put_pattern(struct column_out *o, size_t position, const struct series_changes *changes,
                        const struct missing_pattern *pattern)
{
    size_t at = o->patterns.used;
    size_t size;

    if (pattern->shape == MISSING_NEVER) {
        if (o->any_pattern)
            bytes_put_u8(&o->pattern_of, 0);
        return;
    }
    for (size_t i = 0; !o->any_pattern && i < position; i++)
        bytes_put_u8(&o->pattern_of, 0);
    if (pattern->shape == MISSING_ALL) {
        bytes_put_varint(&o->patterns, 0);
        bytes_put_u8(&o->patterns, pattern->reason);
    } else {
        uint32_t end = 0;

        bytes_put_varint(&o->patterns, pattern->run_count);
        for (uint32_t i = 0; i < pattern->run_count; i++) {
            const struct missing_run *run = &changes->run[pattern->run_at + i];

            bytes_put_varint(&o->patterns, run->first - end);
            bytes_put_varint(&o->patterns, run->count);
            bytes_put_u8(&o->patterns, run->reason);
            end = run->first + run->count;
        }
    }
    size = o->patterns.used - at;
    if (o->any_pattern && !o->patterns.full && at - o->last_pattern_at == size &&
        memcmp(o->patterns.data + o->last_pattern_at, o->patterns.data + at, size) == 0) {
        o->patterns.used = at;
    } else {
        o->last_pattern_at = at;
        o->pattern_count++;
    }
    o->any_pattern = true;
    bytes_put_varint(&o->pattern_of, o->pattern_count);
}

/* Tell when a continuing series' base was last known, where the reader could not guess it. */
static void put_known(struct encoding *e, struct column_out *o, size_t position,
                      const struct series_changes *changes, size_t c)
{
    const struct build *build = e->build;
    unsigned metric = build->shape->column[c].metric;
    uint8_t missing = build->base_missing[changes->index * build->shape->metric_count + metric];
    int64_t since = known_before_ns(&build->known, changes->index, metric);
    int64_t usual = build->column_base_ns[metric];
    bool read = since != INT64_MIN && since >= changes->series->since_ns; /* else at most born */

    if ((changes->series->series.flags & SERIES_FIRST) != 0 || missing == MISSING_NONE)
        return;
    if (!read && changes->missing[c].shape == MISSING_ALL)
        return;
    bytes_put_varint(&o->known, position - o->last_known);
    bytes_put_varint(&o->known,
                     since == INT64_MIN ? 0 : 1 + zigzag((uint64_t)usual - (uint64_t)since));
    o->last_known = position;
    o->known_count++;
}

/* reference[column] of the series, or NULL: it has none. */
static enum status put_column(struct encoding *e, size_t position,
                              const struct series_changes *changes, const int64_t reference[],
                              size_t c, struct error *err)
{
    const struct missing_pattern *pattern = &changes->missing[c];
    struct column_out *o = &e->column[c];
    int64_t base = changes->base[c];

    if (reference != NULL)
        base = wrap_subtract(base, reference[c]);
    bytes_put_zigzag(&o->bases, base);
    o->any_value |= base;
    if (changes->samples > 0) { /* else only its lifetime tells of it */
        o->reason = o->any_sample ? o->reason : pattern->reason;
        o->all_missing &= pattern->shape == MISSING_ALL && pattern->reason == o->reason;
        o->any_sample = true;
    }
    put_pattern(o, position, changes, pattern);
    put_known(e, o, position, changes, c);
    if (changes->delta[c] == NULL)
        return STATUS_OK;
    o->any_value = 1;
    o->flags[e->group_active / 8] |= (uint8_t)(1 << e->group_active % 8);
    return put_deltas(o, changes->delta[c], changes->count)
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, "column of %s", e->build->shape->name);
}

static enum status put_series(struct encoding *e, size_t position,
                              const struct series_changes *changes, struct error *err)
{
    int64_t values[BUILD_COLUMNS_MAX];
    const int64_t *reference = NULL;

    if (changes->series->referenced) {
        packed_rows_get(&e->build->references, changes->index, values);
        reference = values;
    }
    put_activity(e, changes);
    for (size_t c = 0; c < e->build->shape->column_count; c++)
        if (put_column(e, position, changes, reference, c, err) != STATUS_OK)
            return err->status;
    e->group_active += changes->count > 0;
    return STATUS_OK;
}

static enum status end_activity(struct encoding *e, size_t group, struct error *err)
{
    size_t before = e->directory_groups.used;

    if (e->bitmaps.full)
        return error_set(err, STATUS_NO_MEMORY, "group of %s", e->build->shape->name);
    if (e->bitmaps.used > 0 &&
        compress_frame(&e->encoder->compressor, COMPRESS_SEAL, e->bitmaps.data, e->bitmaps.used,
                       &e->directory_groups, err) != STATUS_OK)
        return err->status;
    e->directory_sizes[group] = e->directory_groups.used - before;
    bytes_reset(&e->bitmaps);
    return STATUS_OK;
}

/* Compress what the group collected; a column in which nothing changed gets no frame. */
static enum status end_group(struct encoding *e, size_t group, struct error *err)
{
    struct compressor *compressor = &e->encoder->compressor;

    if (end_activity(e, group, err) != STATUS_OK)
        return err->status;
    for (size_t c = 0; c < e->build->shape->column_count; c++) {
        struct column_out *o = &e->column[c];
        size_t before = o->groups.used;

        if (o->delta_count > 0) {
            bytes_reset(&e->raw);
            bytes_put(&e->raw, o->flags, (e->group_active + 7) / 8);
            column_encode(o->delta, o->delta_count, &e->raw);
            if (e->raw.full)
                return error_set(err, STATUS_NO_MEMORY, "group of %s", e->build->shape->name);
            if (compress_frame(compressor, COMPRESS_SEAL, e->raw.data, e->raw.used, &o->groups,
                               err) != STATUS_OK)
                return err->status;
        }
        o->group_sizes[group] = o->groups.used - before;
        o->delta_count = 0;
        memset(o->flags, 0, sizeof o->flags);
    }
    e->group_active = 0;
    return STATUS_OK;
}

static enum status put_groups(struct encoding *e, struct error *err)
{
    struct series_changes changes;

    for (size_t i = 0; i < e->series_count; i++) {
        struct series_told told = { .all = false };

        if (build_read(&e->encoder->reader, e->build, e->order[i].index, &changes, err) !=
            STATUS_OK)
            return err->status;
        if (e->encoder->visit != NULL &&
            e->encoder->visit(e->encoder->visit_context, &changes, &told, err) != STATUS_OK)
            return err->status;
        e->order[i].told |= told.all;
        if (told.all)
            build_read_less(&e->encoder->reader, &changes, &told);
        if (put_series(e, i, &changes, err) != STATUS_OK)
            return err->status;
        if ((i + 1) % GROUP_SERIES == 0 || i + 1 == e->series_count)
            if (end_group(e, i / GROUP_SERIES, err) != STATUS_OK)
                return err->status;
    }
    return STATUS_OK;
}

typedef void chunk_putter(struct byte_writer *w, const struct chunk_place *place,
                          const struct byte_writer *base, const size_t group_sizes[],
                          size_t group_count, const struct byte_writer *groups);

static enum status emit(struct encoding *e, chunk_putter *put, uint32_t column_id,
                        const size_t sizes[], size_t group_count, const struct byte_writer *groups,
                        struct error *err)
{
    struct chunk_place place = e->place;

    place.column_id = column_id;
    bytes_reset(&e->frame);
    bytes_reset(&e->chunk);
    if (e->raw.full || (groups != NULL && groups->full))
        return error_set(err, STATUS_NO_MEMORY, "chunk of %s", e->build->shape->name);
    if (compress_frame(&e->encoder->compressor, COMPRESS_BASE, e->raw.data, e->raw.used, &e->frame,
                       err) != STATUS_OK)
        return err->status;
    put(&e->chunk, &place, &e->frame, sizes, group_count, groups);
    if (e->chunk.full)
        return error_set(err, STATUS_NO_MEMORY, "chunk of %s", e->build->shape->name);
    return e->encoder->sink(e->encoder->sink_context, &place, &e->chunk, err);
}

enum status block_emit(struct encoding *e, uint32_t column_id, const size_t sizes[],
                       const struct byte_writer *groups, struct error *err)
{
    return emit(e, chunk_put, column_id, sizes, sizes == NULL ? 0 : e->group_count, groups, err);
}

enum status block_emit_parted(struct encoding *e, const size_t sizes[],
                              const struct byte_writer *groups, struct error *err)
{
    return emit(e, chunk_put_parted, COLUMN_DIRECTORY, sizes, e->group_count + 1, groups, err);
}

uint8_t block_column_state(const struct column_out *o)
{
    if (o->any_value != 0 || o->known_count > 0)
        return 0;
    if (o->all_missing)
        return (uint8_t)(2 + o->reason);
    return o->any_pattern ? 0 : 1;
}

/* Into e->fact. */
static void unpack_bases(struct encoding *e, const struct column_out *o)
{
    struct byte_reader r = { .data = o->bases.data, .size = o->bases.used };

    for (size_t i = 0; i < e->series_count; i++)
        e->fact[i] = bytes_get_zigzag(&r);
}

static enum status emit_columns(struct encoding *e, struct error *err)
{
    const struct build_shape *shape = e->build->shape;

    for (size_t c = 0; c < shape->column_count; c++) {
        struct column_out *o = &e->column[c];

        if (o->bases.full || o->patterns.full || o->pattern_of.full || o->known.full)
            return error_set(err, STATUS_NO_MEMORY, "column of %s", shape->name);
        if (block_column_state(o) != 0)
            continue;
        bytes_reset(&e->raw);
        bytes_put_u8(&e->raw, (uint8_t)((o->any_pattern ? 1 : 0) | (o->known_count > 0 ? 2 : 0)));
        unpack_bases(e, o);
        column_encode(e->fact, e->series_count, &e->raw);
        if (o->any_pattern) {
            bytes_put_varint(&e->raw, o->pattern_count);
            bytes_put(&e->raw, o->patterns.data, o->patterns.used);
            bytes_put(&e->raw, o->pattern_of.data, o->pattern_of.used);
        }
        if (o->known_count > 0) {
            bytes_put_varint(&e->raw, o->known_count);
            bytes_put(&e->raw, o->known.data, o->known.used);
        }
        if (block_emit(e, shape->column[c].column_id, o->group_sizes, &o->groups, err) != STATUS_OK)
            return err->status;
        release_column(o);
    }
    return STATUS_OK;
}

enum status block_encode(struct block_encoder *encoder, const struct build *build,
                         const struct chunk_place *place, const struct block_ticks *ticks,
                         struct error *err)
{
    struct encoding e = { .encoder = encoder, .build = build, .place = *place, .ticks = ticks };
    enum status st = STATUS_OK;

    if (build->tick_count == 0)
        return STATUS_OK;
    st = init(&e, err);
    if (st == STATUS_OK && e.series_count > 0)
        st = put_groups(&e, err);
    if (st == STATUS_OK && e.series_count > 0)
        st = emit_columns(&e, err);
    if (st == STATUS_OK && e.series_count > 0)
        st = block_emit_directory(&e, err);
    if (st == STATUS_OK && e.referenced && build->reference_seq == 0)
        st = block_emit_reference(&e, err);
    release(&e);
    return st;
}

void block_encoder_release(struct block_encoder *encoder)
{
    compressor_release(&encoder->compressor);
    build_reader_release(&encoder->reader);
}

enum status block_ticks_encode(const struct block_ticks *ticks, struct byte_writer *w,
                               struct error *err)
{
    int64_t step = 0;
    uint32_t gaps = 0, at = 0;

    bytes_put_varint(w, ticks->count);
    for (uint32_t i = 0; i < ticks->count; i++) {
        int64_t now = wrap_subtract(ticks->start_ns[i], i == 0 ? 0 : ticks->start_ns[i - 1]);

        bytes_put_zigzag(w, i < 2 ? now : wrap_subtract(now, step));
        step = now;
        gaps += ticks->gap[i];
    }
    for (uint32_t i = 0; i < ticks->count; i++)
        bytes_put_zigzag(w, wrap_subtract(ticks->sweep_ns[i], i > 0 ? ticks->sweep_ns[i - 1] : 0));
    bytes_put_varint(w, gaps);
    for (uint32_t i = 0; i < ticks->count; i++) {
        if (!ticks->gap[i])
            continue;
        bytes_put_varint(w, i - at);
        at = i + 1;
    }
    return w->full ? error_set(err, STATUS_NO_MEMORY, "ticks of a block") : STATUS_OK;
}
