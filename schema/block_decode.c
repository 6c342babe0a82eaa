/*
 * A block's ticks and a table's directory. Every count read here comes from a file that may be
 * damaged or hostile: each is bounded before it is used.
 */
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/lifetime.h"

enum status block_corrupt(const struct block_table *table, const struct chunk_place *place,
                          const char *what, struct error *err)
{
    char text[160];

    return error_set(err, STATUS_CORRUPT, "%s: %s",
                     chunk_describe(place, table->shape->name, text, sizeof text), what);
}

/* Fetch a chunk and take its header apart; the message of an error names the chunk. */
enum status block_fetch(const struct block_table *table, const struct chunk_place *place,
                        chunk_source *source, void *source_context, struct chunk *chunk,
                        struct error *err)
{
    char text[160];
    const uint8_t *data = NULL;
    size_t size = 0;
    enum status st = source(source_context, place, &data, &size, err);

    if (st == STATUS_ABSENT && place->column_id != COLUMN_DIRECTORY)
        st = error_set(err, STATUS_CORRUPT, "it is missing");
    if (st == STATUS_OK)
        st = chunk_get(chunk, place, data, size, err);
    if (st != STATUS_OK)
        (void)error_prefix(err, "%s", chunk_describe(place, table->shape->name, text, sizeof text));
    return st;
}

static void *zeroed(size_t count, size_t width)
{
    return calloc(count == 0 ? 1 : count, width);
}

static void get_sweeps(struct block_ticks *ticks, struct byte_reader *r)
{
    for (uint32_t i = 0; i < ticks->count; i++)
        ticks->sweep_ns[i] = (int64_t)((uint64_t)bytes_get_zigzag(r) +
                                       (i > 0 ? (uint64_t)ticks->sweep_ns[i - 1] : 0));
}

static enum status decode_ticks(struct block_ticks *ticks, const uint8_t *data, size_t size,
                                bool sweeps, struct error *err)
{
    struct byte_reader r = { .data = data, .size = size };
    uint64_t count = bytes_get_varint(&r);
    uint64_t step = 0, at = 0;

    *ticks = (struct block_ticks){ 0 };
    if (r.overrun || count == 0 || count > BLOCK_TICKS_MAX || count > size)
        return error_set(err, STATUS_CORRUPT, "a block of %llu ticks", (unsigned long long)count);
    ticks->count = (uint32_t)count;
    ticks->start_ns = zeroed(count, sizeof *ticks->start_ns);
    ticks->sweep_ns = sweeps ? zeroed(count, sizeof *ticks->sweep_ns) : NULL;
    ticks->gap = zeroed(count, 1);
    if (ticks->start_ns == NULL || (sweeps && ticks->sweep_ns == NULL) || ticks->gap == NULL)
        return error_set(err, STATUS_NO_MEMORY, "ticks of a block");
    for (uint32_t i = 0; i < ticks->count; i++) {
        uint64_t now = (uint64_t)bytes_get_zigzag(&r) + (i < 2 ? 0 : step);

        ticks->start_ns[i] = (int64_t)(i == 0 ? now : (uint64_t)ticks->start_ns[i - 1] + now);
        step = now;
        if (i > 0 && ticks->start_ns[i] <= ticks->start_ns[i - 1])
            return error_set(err, STATUS_CORRUPT, "tick %u is not after the one before", i);
    }
    if (sweeps)
        get_sweeps(ticks, &r);
    else
        bytes_skip_varints(&r, count);
    for (uint64_t gaps = bytes_get_varint(&r); gaps > 0 && !r.overrun; gaps--) {
        at += bytes_get_varint(&r);
        if (at >= count)
            return error_set(err, STATUS_CORRUPT, "a gap after the last tick");
        ticks->gap[at++] = 1;
    }
    if (r.overrun || bytes_left(&r) != 0)
        return error_set(err, STATUS_CORRUPT, "the tick times do not fill their field");
    return STATUS_OK;
}

enum status block_ticks_decode(struct block_ticks *ticks, const uint8_t *data, size_t size,
                               struct error *err)
{
    return decode_ticks(ticks, data, size, true, err);
}

enum status block_tick_times_decode(struct block_ticks *ticks, const uint8_t *data, size_t size,
                                    struct error *err)
{
    return decode_ticks(ticks, data, size, false, err);
}

enum status block_ticks_gaps(const uint8_t *data, size_t size, bool *any, struct error *err)
{
    struct byte_reader r = { .data = data, .size = size };
    uint64_t count = bytes_get_varint(&r);

    if (r.overrun || count == 0 || count > BLOCK_TICKS_MAX || count > size)
        return error_set(err, STATUS_CORRUPT, "a block of %llu ticks", (unsigned long long)count);
    bytes_skip_varints(&r, 2 * count); /* times and sweeps */
    *any = bytes_get_varint(&r) != 0;
    return r.overrun ? error_set(err, STATUS_CORRUPT, "the tick times do not fill their field")
                     : STATUS_OK;
}

void block_ticks_release(struct block_ticks *ticks)
{
    free(ticks->start_ns);
    free(ticks->sweep_ns);
    free(ticks->gap);
    *ticks = (struct block_ticks){ 0 };
}

void block_table_release(struct block_table *table)
{
    free(table->tick);
    free(table->tick_ns);
    free(table->gap);
    free(table->mask);
    free(table->covered_ns);
    free(table->column_previous_ns);
    free(table->column_state);
    free(table->series);
    free(table->row);
    free(table->active_at);
    free(table->active);
    free(table->reference_at);
    free(table->reference_state);
    free(table->told_at);
    if (table->told != NULL)
        free(table->told->process);
    free(table->told);
    free(table->told_reason);
    free(table->activity);
    free(table->kinds);
    free(table->left_out);
    *table = (struct block_table){ 0 };
}

static enum status allocate_ticks(struct block_table *table, struct error *err)
{
    size_t metrics = table->shape->metric_count;

    table->tick = zeroed(table->tick_count, sizeof *table->tick);
    table->tick_ns = zeroed(table->tick_count, sizeof *table->tick_ns);
    table->gap = zeroed(table->tick_count, 1);
    table->column_previous_ns = zeroed(metrics, sizeof *table->column_previous_ns);
    table->column_state = zeroed(table->shape->column_count, 1);
    if (table->shape->level > 0)
        table->covered_ns = zeroed(table->tick_count * metrics, sizeof *table->covered_ns);
    if (table->tick == NULL || table->tick_ns == NULL || table->gap == NULL ||
        table->column_previous_ns == NULL || table->column_state == NULL ||
        (table->shape->level > 0 && table->covered_ns == NULL))
        return error_set(err, STATUS_NO_MEMORY, "ticks of %s", table->shape->name);
    return STATUS_OK;
}

/* Which of the block's ticks are this table's, and whether a gap lies before each. */
static bool get_tick_places(struct block_table *table, const struct block_ticks *ticks,
                            struct byte_reader *r)
{
    bool all = bytes_get_u8(r) != 0;
    uint64_t next = 0, seen = 0;

    if (all && table->tick_count != ticks->count)
        return false;
    for (uint32_t i = 0; i < table->tick_count; i++) {
        uint64_t skip = all ? 0 : bytes_get_varint(r);

        if (skip >= ticks->count || next + skip >= ticks->count)
            return false;
        next += skip;
        table->tick[i] = (uint32_t)next;
        table->tick_ns[i] = ticks->start_ns[next++];
        for (; seen < next; seen++)
            table->gap[i] |= ticks->gap[seen];
    }
    return !r->overrun;
}

/*
 * What the directory says per metric. The catalog may have grown since the block was written:
 * metrics that it did not have then are missing throughout.
 */
static void get_metric_facts(struct block_table *table, uint64_t stored, struct byte_reader *r)
{
    unsigned metrics = table->shape->metric_count;

    for (uint64_t m = 0; m < stored; m++) {
        uint64_t age = bytes_get_varint(r);

        if (m < metrics && age != 0)
            table->column_previous_ns[m] =
                (int64_t)((uint64_t)table->tick_ns[0] - unzigzag(age - 1));
    }
    for (uint32_t i = 0; table->covered_ns != NULL && i < table->tick_count; i++) {
        uint64_t covered = 0;

        for (uint64_t m = 0; m < stored; m++) {
            covered += (uint64_t)bytes_get_zigzag(r);
            if (m < metrics)
                table->covered_ns[(size_t)i * metrics + m] = (int64_t)covered;
        }
    }
    for (unsigned c = 0; c < table->shape->column_count; c++)
        table->column_state[c] = table->shape->column[c].metric < stored
                                     ? bytes_get_u8(r)
                                     : (uint8_t)(2 + MISSING_UNSUPPORTED);
    /* More metrics than the catalog has: a level-0 block of a tail, one column each. */
    for (uint64_t m = metrics; m < stored; m++)
        (void)bytes_get_u8(r);
}

static enum status get_table_ticks(struct block_table *table, const struct block_ticks *ticks,
                                   struct byte_reader *r, struct error *err)
{
    uint64_t stored = bytes_get_varint(r);
    uint64_t count = bytes_get_varint(r);
    unsigned metrics = table->shape->metric_count;

    if (stored == 0 || stored > TABLE_METRICS_MAX || (stored > metrics && table->shape->level > 0))
        return block_corrupt(table, &table->place, "an impossible number of metrics", err);
    if (count == 0 || count > ticks->count)
        return block_corrupt(table, &table->place, "more ticks than the block", err);
    table->tick_count = (uint32_t)count;
    if (allocate_ticks(table, err) != STATUS_OK)
        return err->status;
    if (!get_tick_places(table, ticks, r))
        return block_corrupt(table, &table->place, "ticks outside the block", err);
    if (bytes_get_u8(r) != 0) {
        table->mask = zeroed(table->tick_count, sizeof *table->mask);
        if (table->mask == NULL)
            return error_set(err, STATUS_NO_MEMORY, "ticks of %s", table->shape->name);
        table->mask_always = UINT64_MAX;
        for (uint32_t i = 0; i < table->tick_count; i++) {
            table->mask[i] = bytes_get_varint(r) ^ (i > 0 ? table->mask[i - 1] : 0);
            table->mask_always &= table->mask[i];
        }
    }
    for (unsigned m = 0; m < metrics; m++)
        table->column_previous_ns[m] = INT64_MIN;
    get_metric_facts(table, stored, r);
    table->stored_metrics = (unsigned)stored;
    return r->overrun ? block_corrupt(table, &table->place, "cut short", err) : STATUS_OK;
}

/* only: see block_table_open_of; NULL: all. */
static enum status open_table(struct block_table *table, const struct block_ticks *ticks,
                              const int64_t *only, struct reference_keys *keys,
                              chunk_source *source, void *source_context, struct decompressor *d,
                              struct error *err)
{
    struct byte_reader r;
    struct chunk chunk;
    enum status st = block_fetch(table, &table->place, source, source_context, &chunk, err);

    if (st != STATUS_OK)
        return st;
    st = decompress_frame(d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, &r, err);
    if (st != STATUS_OK)
        return st == STATUS_CORRUPT
                   ? block_corrupt(table, &table->place, "its frame is damaged", err)
                   : st;
    st = get_table_ticks(table, ticks, &r, err);
    if (st == STATUS_OK)
        st = block_get_series(table, only, &chunk, &r, d, err);
    if (st == STATUS_OK)
        st = block_keep_activity(table, &chunk, err); /* before other chunks are fetched */
    if (st == STATUS_OK && table->told_at != NULL)
        st = block_find_told(table, ticks, source, source_context, d, err);
    if (st == STATUS_OK && table->reference_at != NULL)
        st = block_find_references(table, keys, source, source_context, d, err);
    return st;
}

static void begin_table(struct block_table *table, const struct chunk_place *place,
                        const struct build_shape *shape)
{
    *table = (struct block_table){ .place = *place, .shape = shape };
    table->place.column_id = COLUMN_DIRECTORY;
}

enum status block_table_open(struct block_table *table, const struct chunk_place *place,
                             const struct build_shape *shape, const struct block_ticks *ticks,
                             struct reference_keys *keys, chunk_source *source,
                             void *source_context, struct decompressor *d, struct error *err)
{
    begin_table(table, place, shape);
    return open_table(table, ticks, NULL, keys, source, source_context, d, err);
}

enum status block_table_open_of(struct block_table *table, int64_t key,
                                const struct chunk_place *place, const struct build_shape *shape,
                                const struct block_ticks *ticks, struct reference_keys *keys,
                                chunk_source *source, void *source_context, struct decompressor *d,
                                struct error *err)
{
    begin_table(table, place, shape);
    return open_table(table, ticks, &key, keys, source, source_context, d, err);
}

enum status block_table_decode(struct block_table *table, const struct chunk_place *place,
                               const struct build_shape *shape, const struct block_ticks *ticks,
                               chunk_source *source, void *source_context, struct decompressor *d,
                               struct error *err)
{
    struct reference_keys keys = { 0 };
    enum status st =
        block_table_open(table, place, shape, ticks, &keys, source, source_context, d, err);

    reference_keys_release(&keys);
    table->references = NULL;
    return st == STATUS_OK ? block_table_activity(table, series_all, d, err) : st;
}
