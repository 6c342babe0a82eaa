/* A built table of a block into chunks. Layout: schema/FORMAT.md, "Directory" and "Column". */
#include <stdlib.h>

#include "schema/block.h"
#include "schema/chunk.h"
#include "schema/column.h"

/* One column while its chunk grows, group by group. */
struct column_out {
    struct byte_writer bases;      /* per series: zigzag delta to the series before */
    struct byte_writer patterns;   /* distinct missing patterns, one after the other */
    struct byte_writer pattern_of; /* per series: 0 nothing missing, else number of its pattern */
    struct byte_writer known;      /* series whose base is not as old as is usual */
    struct byte_writer groups;     /* compressed frames */
    size_t *group_sizes;
    int64_t *delta; /* of the current group */
    size_t delta_count, delta_size;
    uint8_t flags[GROUP_SERIES / 8];
    int64_t last_base;
    size_t pattern_count, last_pattern_at, known_count;
    size_t last_known;
    bool any_value, any_pattern, all_missing;
    uint8_t reason; /* of all_missing */
};

struct order {
    int64_t key[2];
    uint32_t part; /* 0: alive through the whole block */
    uint32_t index;
};

struct encoding {
    struct block_encoder *encoder;
    const struct build *build;
    struct chunk_place place;
    const struct block_ticks *ticks;
    struct order *order;
    size_t series_count, group_count;
    struct column_out *column;  /* [column_count] */
    struct byte_writer kinds;   /* activity kind per series */
    struct byte_writer bitmaps; /* of the current group */
    struct byte_writer directory_groups;
    size_t *directory_sizes;
    size_t group_active; /* active series in the current group so far */
    struct byte_writer raw, frame, chunk;
};

static int by_key(const void *a, const void *b)
{
    const struct order *x = a, *y = b;

    if (x->part != y->part)
        return x->part ? 1 : -1;
    for (int k = 0; k < 2; k++)
        if (x->key[k] != y->key[k])
            return x->key[k] < y->key[k] ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index; /* it came back: in order of time */
}

static uint32_t sample_count(const struct build_series *s)
{
    return s->end_tick - s->series.first;
}

static enum status sort_series(struct encoding *e, struct error *err)
{
    const struct build *build = e->build;

    e->order = malloc((build->series_count + 1) * sizeof *e->order);
    if (e->order == NULL)
        return error_set(err, STATUS_NO_MEMORY, "directory of %s", build->shape->name);
    for (size_t i = 0; i < build->series_count; i++) {
        const struct build_series *s = &build->series[i];
        bool part = s->series.first != 0 || s->end_tick != build->tick_count ||
                    (s->series.flags & (SERIES_FIRST | SERIES_ENDED)) != 0;

        if (s->end_tick <= s->series.first)
            continue; /* it ended before the block's first tick */
        e->order[e->series_count++] = (struct order){ .key = { s->series.key[0], s->series.key[1] },
                                                      .part = part,
                                                      .index = (uint32_t)i };
    }
    qsort(e->order, e->series_count, sizeof *e->order, by_key);
    e->group_count = (e->series_count + GROUP_SERIES - 1) / GROUP_SERIES;
    return STATUS_OK;
}

static enum status init(struct encoding *e, struct error *err)
{
    size_t columns = e->build->shape->column_count;

    if (sort_series(e, err) != STATUS_OK)
        return err->status;
    e->column = calloc(columns, sizeof *e->column);
    e->directory_sizes = calloc((columns + 1) * (e->group_count + 1), sizeof *e->directory_sizes);
    if (e->column == NULL || e->directory_sizes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "columns of %s", e->build->shape->name);
    for (size_t c = 0; c < columns; c++) {
        e->column[c].group_sizes = e->directory_sizes + (c + 1) * (e->group_count + 1);
        e->column[c].all_missing = true;
    }
    return STATUS_OK;
}

static void release(struct encoding *e)
{
    for (size_t c = 0; e->column != NULL && c < e->build->shape->column_count; c++) {
        struct column_out *o = &e->column[c];

        bytes_release(&o->bases);
        bytes_release(&o->patterns);
        bytes_release(&o->pattern_of);
        bytes_release(&o->known);
        bytes_release(&o->groups);
        free(o->delta);
    }
    free(e->column);
    free(e->directory_sizes);
    free(e->order);
    bytes_release(&e->kinds);
    bytes_release(&e->bitmaps);
    bytes_release(&e->directory_groups);
    bytes_release(&e->raw);
    bytes_release(&e->frame);
    bytes_release(&e->chunk);
}

/* Activity of one series: 0 never, 1 at every sample, 2 as a bitmap. */
static void put_activity(struct encoding *e, const struct series_changes *changes)
{
    uint32_t samples = sample_count(changes->series);
    size_t bytes = (samples + 7) / 8;
    uint8_t kind = changes->count == 0 ? 0 : changes->count == samples ? 1 : 2;

    bytes_put_u8(&e->kinds, kind);
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
static void put_pattern(struct column_out *o, const struct series_changes *changes,
                        const struct missing_pattern *pattern)
{
    size_t at = o->patterns.used;
    size_t size;

    if (pattern->shape == MISSING_NEVER) {
        bytes_put_varint(&o->pattern_of, 0);
        return;
    }
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
    size_t at = changes->index * build->shape->column_count + c;
    int64_t since = build->base_since_ns[at];
    int64_t usual = build->column_base_ns[build->shape->column[c].metric];

    if ((changes->series->series.flags & SERIES_FIRST) != 0 ||
        build->base_missing[at] == MISSING_NONE)
        return;
    if (since == INT64_MIN && changes->missing[c].shape == MISSING_ALL)
        return;
    bytes_put_varint(&o->known, position - o->last_known);
    bytes_put_varint(&o->known,
                     since == INT64_MIN ? 0 : 1 + zigzag((uint64_t)usual - (uint64_t)since));
    o->last_known = position;
    o->known_count++;
}

static enum status put_series(struct encoding *e, size_t position,
                              const struct series_changes *changes, struct error *err)
{
    size_t columns = e->build->shape->column_count;
    size_t bit = e->group_active;

    put_activity(e, changes);
    for (size_t c = 0; c < columns; c++) {
        struct column_out *o = &e->column[c];
        const struct missing_pattern *pattern = &changes->missing[c];

        if (position == 0)
            o->reason = pattern->reason;
        o->all_missing &= pattern->shape == MISSING_ALL && pattern->reason == o->reason;
        o->any_value |= changes->base[c] != 0 || changes->delta[c] != NULL;
        bytes_put_zigzag(&o->bases, (int64_t)((uint64_t)changes->base[c] - (uint64_t)o->last_base));
        o->last_base = changes->base[c];
        put_pattern(o, changes, pattern);
        put_known(e, o, position, changes, c);
        if (changes->delta[c] == NULL)
            continue;
        o->flags[bit / 8] |= (uint8_t)(1 << bit % 8);
        if (!put_deltas(o, changes->delta[c], changes->count))
            return error_set(err, STATUS_NO_MEMORY, "column of %s", e->build->shape->name);
    }
    e->group_active += changes->count > 0;
    return STATUS_OK;
}

/* Compress what the group collected; a column in which nothing changed gets no frame. */
static enum status end_group(struct encoding *e, size_t group, struct error *err)
{
    size_t columns = e->build->shape->column_count;
    struct compressor *compressor = &e->encoder->compressor;
    size_t before = e->directory_groups.used;

    if (e->bitmaps.full)
        return error_set(err, STATUS_NO_MEMORY, "group of %s", e->build->shape->name);
    if (e->bitmaps.used > 0 &&
        compress_frame(compressor, COMPRESS_SEAL, e->bitmaps.data, e->bitmaps.used,
                       &e->directory_groups, err) != STATUS_OK)
        return err->status;
    e->directory_sizes[group] = e->directory_groups.used - before;
    for (size_t c = 0; c < columns; c++) {
        struct column_out *o = &e->column[c];

        before = o->groups.used;
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
    bytes_reset(&e->bitmaps);
    e->group_active = 0;
    return STATUS_OK;
}

static enum status put_groups(struct encoding *e, struct error *err)
{
    struct series_changes changes;

    for (size_t i = 0; i < e->series_count; i++) {
        if (build_read(&e->encoder->reader, e->build, e->order[i].index, &changes, err) !=
                STATUS_OK ||
            put_series(e, i, &changes, err) != STATUS_OK)
            return err->status;
        if (e->encoder->visit != NULL &&
            e->encoder->visit(e->encoder->visit_context, &changes, err) != STATUS_OK)
            return err->status;
        if ((i + 1) % GROUP_SERIES == 0 || i + 1 == e->series_count)
            if (end_group(e, i / GROUP_SERIES, err) != STATUS_OK)
                return err->status;
    }
    return STATUS_OK;
}

/* Hand one chunk to the sink: raw base bytes are in e->raw. */
static enum status emit(struct encoding *e, uint32_t column_id, const size_t sizes[],
                        const struct byte_writer *groups, struct error *err)
{
    struct chunk_place place = e->place;

    place.column_id = column_id;
    bytes_reset(&e->frame);
    bytes_reset(&e->chunk);
    if (e->raw.full || groups->full)
        return error_set(err, STATUS_NO_MEMORY, "chunk of %s", e->build->shape->name);
    if (compress_frame(&e->encoder->compressor, COMPRESS_SEAL, e->raw.data, e->raw.used, &e->frame,
                       err) != STATUS_OK)
        return err->status;
    chunk_put(&e->chunk, &place, &e->frame, sizes, e->group_count, groups);
    if (e->chunk.full)
        return error_set(err, STATUS_NO_MEMORY, "chunk of %s", e->build->shape->name);
    return e->encoder->sink(e->encoder->sink_context, &place, &e->chunk, err);
}

/*
 * 0: has a chunk. 1: none, all is present, 0 and unchanging. 2 + reason: none, all is missing.
 */
static uint8_t column_state(const struct column_out *o)
{
    if (o->any_value || o->known_count > 0)
        return 0;
    if (o->all_missing)
        return (uint8_t)(2 + o->reason);
    return o->any_pattern ? 0 : 1;
}

static enum status emit_columns(struct encoding *e, struct error *err)
{
    const struct build_shape *shape = e->build->shape;

    for (size_t c = 0; c < shape->column_count; c++) {
        struct column_out *o = &e->column[c];

        if (o->bases.full || o->patterns.full || o->pattern_of.full || o->known.full)
            return error_set(err, STATUS_NO_MEMORY, "column of %s", shape->name);
        if (column_state(o) != 0)
            continue;
        bytes_reset(&e->raw);
        bytes_put_u8(&e->raw, (uint8_t)((o->any_pattern ? 1 : 0) | (o->known_count > 0 ? 2 : 0)));
        bytes_put(&e->raw, o->bases.data, o->bases.used);
        if (o->any_pattern) {
            bytes_put_varint(&e->raw, o->pattern_count);
            bytes_put(&e->raw, o->patterns.data, o->patterns.used);
            bytes_put(&e->raw, o->pattern_of.data, o->pattern_of.used);
        }
        if (o->known_count > 0) {
            bytes_put_varint(&e->raw, o->known_count);
            bytes_put(&e->raw, o->known.data, o->known.used);
        }
        if (emit(e, shape->column[c].column_id, o->group_sizes, &o->groups, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

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

static void put_series_facts(struct encoding *e)
{
    const struct build *build = e->build;
    struct byte_writer *w = &e->raw;
    int64_t last[2] = { 0, 0 };

    for (unsigned k = 0; k < build->shape->key_count; k++)
        for (size_t i = 0; i < e->series_count; i++) {
            bytes_put_zigzag(w, (int64_t)((uint64_t)e->order[i].key[k] - (uint64_t)last[k]));
            last[k] = e->order[i].key[k];
        }
    for (size_t i = 0; i < e->series_count; i++)
        bytes_put_u8(w, build->series[e->order[i].index].series.flags);
    for (size_t i = 0; i < e->series_count; i++)
        bytes_put_varint(w, build->series[e->order[i].index].series.first);
    for (size_t i = 0; i < e->series_count; i++)
        bytes_put_varint(w, build->tick_count - build->series[e->order[i].index].end_tick);
    for (size_t i = 0; i < e->series_count; i++) {
        const struct build_series *s = &build->series[e->order[i].index];

        if ((s->series.flags & (SERIES_BORN | SERIES_YOUNG)) != 0)
            bytes_put_zigzag(w, wrap_subtract(build->tick_ns[s->series.first], s->series.start_ns));
        if ((s->series.flags & SERIES_ENDED) != 0)
            bytes_put_zigzag(w, wrap_subtract(build->tick_ns[s->end_tick - 1], s->series.end_ns));
    }
    bytes_put(w, e->kinds.data, e->kinds.used);
}

static enum status emit_directory(struct encoding *e, struct error *err)
{
    bytes_reset(&e->raw);
    put_table_ticks(e);
    for (size_t c = 0; c < e->build->shape->column_count; c++)
        bytes_put_u8(&e->raw, column_state(&e->column[c]));
    bytes_put_varint(&e->raw, e->series_count);
    put_series_facts(e);
    if (e->kinds.full || e->bitmaps.full)
        return error_set(err, STATUS_NO_MEMORY, "directory of %s", e->build->shape->name);
    return emit(e, COLUMN_DIRECTORY, e->directory_sizes, &e->directory_groups, err);
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
        st = emit_directory(&e, err);
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
