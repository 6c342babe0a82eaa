/*
 * One column's chunk into dense values: base, missing patterns, then the groups' deltas. Every
 * count read here comes from a file that may be damaged or hostile: each is bounded before use.
 */
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/column.h"

void block_column_release(struct block_column *column)
{
    free(column->value);
    free(column->missing_store);
    free(column->base);
    free(column->base_ns);
    free(column->delta);
    *column = (struct block_column){ 0 };
}

static bool reserve(struct block_column *column, const struct block_table *table)
{
    size_t rows = table->row[table->series_count] + 1;
    size_t series = table->series_count + 1;

    if (rows > column->row_size) {
        free(column->value);
        free(column->missing_store);
        free(column->delta);
        column->value = malloc(rows * sizeof *column->value);
        column->missing_store = malloc(rows);
        column->delta = malloc(rows * sizeof *column->delta);
        column->row_size = rows;
    }
    if (series > column->series_size) {
        free(column->base);
        free(column->base_ns);
        column->base = malloc(series * sizeof *column->base);
        column->base_ns = malloc(series * sizeof *column->base_ns);
        column->series_size = series;
    }
    if (column->value == NULL || column->missing_store == NULL || column->delta == NULL ||
        column->base == NULL || column->base_ns == NULL) {
        block_column_release(column);
        return false;
    }
    column->missing = NULL;
    return true;
}

/* When the base of a series was read, where the chunk says nothing special about it. */
static int64_t usual_base_ns(const struct block_table *table, size_t index, unsigned metric)
{
    const struct series *s = &table->series[index];
    int64_t previous = table->column_previous_ns[metric];

    if ((s->flags & SERIES_FIRST) != 0 || previous == INT64_MIN)
        return INT64_MIN;
    return (s->flags & SERIES_YOUNG) != 0 && s->start_ns > previous ? s->start_ns : previous;
}

/* Samples at ticks where the metric was not read: missing, but for a series' first and last. */
static void mark_unread(struct block_column *column, const struct block_table *table,
                        unsigned metric)
{
    size_t rows = table->row[table->series_count];
    bool everywhere = true;

    for (uint32_t i = 0; table->mask != NULL && i < table->tick_count; i++)
        everywhere &= (table->mask[i] >> metric & 1) != 0;
    if (everywhere)
        return;
    if (column->missing == NULL)
        memset(column->missing_store, MISSING_NONE, rows);
    column->missing = column->missing_store;
    for (size_t i = 0; i < table->series_count; i++) {
        const struct series *s = &table->series[i];
        const uint64_t *mask = table->mask + s->first;
        uint8_t *missing = column->missing + table->row[i];
        uint8_t first, last;

        if (s->count == 0)
            continue;
        first = missing[0];
        last = missing[s->count - 1];
        for (uint32_t k = 0; k < s->count; k++) /* no branch: this is a tenth of all decoding */
            missing[k] = (mask[k] >> metric & 1) != 0 ? missing[k] : MISSING_NOT_SAMPLED;
        if ((s->flags & SERIES_FIRST) != 0)
            missing[0] = first;
        if ((s->flags & SERIES_ENDED) != 0)
            missing[s->count - 1] = last;
    }
}

/* One pattern of the chunk's list, laid over a series' samples. */
static bool lay_pattern(struct byte_reader *pattern, uint8_t *missing, uint32_t samples, bool *all)
{
    uint64_t runs = bytes_get_varint(pattern);
    uint64_t at = 0;

    *all = runs == 0;
    if (*all)
        memset(missing, bytes_get_u8(pattern), samples);
    for (; runs > 0 && !pattern->overrun; runs--) {
        uint64_t skip = bytes_get_varint(pattern);
        uint64_t count = bytes_get_varint(pattern);
        uint8_t reason = bytes_get_u8(pattern);

        if (count == 0 || skip > samples - at || count > samples - at - skip)
            return false;
        memset(missing + at + skip, reason, count);
        at += skip + count;
    }
    return !pattern->overrun;
}

static enum status get_patterns(struct block_column *column, const struct block_table *table,
                                const struct chunk_place *place, struct byte_reader *r,
                                struct error *err)
{
    uint64_t count = bytes_get_varint(r);
    size_t *start;
    bool ok = count > 0 && count <= r->size;

    if (!ok)
        return block_corrupt(table, place, "missing values", err);
    start = malloc((size_t)(count + 1) * sizeof *start);
    if (start == NULL)
        return error_set(err, STATUS_NO_MEMORY, "missing values of %s", table->shape->name);
    for (uint64_t p = 0; p < count && ok; p++) {
        uint64_t runs;

        start[p] = r->used;
        runs = bytes_get_varint(r);
        if (runs == 0)
            (void)bytes_get_u8(r);
        for (; runs > 0 && !r->overrun; runs--) {
            (void)bytes_get_varint(r);
            (void)bytes_get_varint(r);
            (void)bytes_get_u8(r);
        }
        ok = !r->overrun;
    }
    column->missing = column->missing_store;
    memset(column->missing, MISSING_NONE, table->row[table->series_count]);
    for (size_t i = 0; i < table->series_count && ok; i++) {
        uint64_t p = bytes_get_varint(r);
        bool all = false;

        ok = p <= count && !r->overrun;
        if (ok && p > 0) {
            struct byte_reader pattern = { .data = r->data, .size = r->size, .used = start[p - 1] };

            ok = lay_pattern(&pattern, column->missing + table->row[i], table->series[i].count,
                             &all);
        }
        if (all)
            column->base_ns[i] = INT64_MIN;
    }
    free(start);
    return ok ? STATUS_OK : block_corrupt(table, place, "missing values", err);
}

static enum status get_known(struct block_column *column, const struct block_table *table,
                             const struct chunk_place *place, unsigned metric,
                             struct byte_reader *r, struct error *err)
{
    uint64_t index = 0;

    for (uint64_t count = bytes_get_varint(r); count > 0 && !r->overrun; count--) {
        uint64_t age;

        index += bytes_get_varint(r);
        age = bytes_get_varint(r);
        if (index >= table->series_count)
            return block_corrupt(table, place, "a series that is not there", err);
        column->base_ns[index] =
            age == 0 ? INT64_MIN
                     : (int64_t)((uint64_t)table->column_previous_ns[metric] - unzigzag(age - 1));
    }
    return STATUS_OK;
}

static enum status get_base(struct block_column *column, const struct block_table *table,
                            const struct chunk_place *place, unsigned metric, struct byte_reader *r,
                            struct error *err)
{
    uint8_t has = bytes_get_u8(r);
    uint64_t base = 0;

    for (size_t i = 0; i < table->series_count; i++) {
        column->base[i] = (int64_t)(base += (uint64_t)bytes_get_zigzag(r));
        column->base_ns[i] = usual_base_ns(table, i, metric);
    }
    if (!r->overrun && (has & 1) != 0 && get_patterns(column, table, place, r, err) != STATUS_OK)
        return err->status;
    if (!r->overrun && (has & 2) != 0 &&
        get_known(column, table, place, metric, r, err) != STATUS_OK)
        return err->status;
    if (r->overrun || bytes_left(r) != 0)
        return block_corrupt(table, place, "its length is wrong", err);
    return STATUS_OK;
}

/* Repeat each value until the next change. delta may be NULL: nothing changes. */
static void expand(const struct block_table *table, size_t index, int64_t base,
                   const int64_t *delta, int64_t *value)
{
    uint32_t count = table->series[index].count;
    uint64_t now = (uint64_t)base;
    uint32_t at = 0;

    for (size_t a = table->active_at[index]; delta != NULL && a < table->active_at[index + 1];
         a++) {
        uint32_t change = table->active[a];

        while (at < change)
            value[at++] = (int64_t)now;
        now += (uint64_t)*delta++;
        value[at++] = (int64_t)now;
    }
    while (at < count)
        value[at++] = (int64_t)now;
}

static enum status get_group(struct block_column *column, const struct block_table *table,
                             const struct chunk_place *place, size_t first, size_t end,
                             struct byte_reader *r, struct error *err)
{
    size_t active = 0, total = 0, flag = 0, at = 0;
    const uint8_t *flags;

    for (size_t i = first; i < end; i++)
        active += table->active_at[i + 1] > table->active_at[i];
    flags = bytes_get(r, r->size == 0 ? 0 : (active + 7) / 8);
    if (r->overrun)
        return block_corrupt(table, place, "a group is cut short", err);
    for (size_t i = first; r->size > 0 && i < end; i++) {
        size_t changes = table->active_at[i + 1] - table->active_at[i];

        if (changes > 0 && (flags[flag / 8] >> flag % 8 & 1) != 0)
            total += changes;
        flag += changes > 0;
    }
    if (column_decode(r, column->delta, total, err) != STATUS_OK || bytes_left(r) != 0)
        return block_corrupt(table, place, "a group's values do not fit", err);
    flag = 0;
    for (size_t i = first; i < end; i++) {
        size_t changes = table->active_at[i + 1] - table->active_at[i];
        bool set = r->size > 0 && changes > 0 && (flags[flag / 8] >> flag % 8 & 1) != 0;

        expand(table, i, column->base[i], set ? column->delta + at : NULL,
               column->value + table->row[i]);
        at += set ? changes : 0;
        flag += changes > 0;
    }
    return STATUS_OK;
}

/* A column without a chunk: all 0 and unchanging, or all missing for one reason. */
static void fill_constant(struct block_column *column, const struct block_table *table,
                          uint8_t state, unsigned metric)
{
    size_t rows = table->row[table->series_count];

    memset(column->value, 0, rows * sizeof *column->value);
    memset(column->base, 0, table->series_count * sizeof *column->base);
    for (size_t i = 0; i < table->series_count; i++)
        column->base_ns[i] = state == 1 ? usual_base_ns(table, i, metric) : INT64_MIN;
    if (state >= 2) {
        column->missing = column->missing_store;
        memset(column->missing, state - 2, rows);
    }
}

static enum status get_groups(struct block_column *column, const struct block_table *table,
                              const struct chunk_place *place, struct chunk *chunk,
                              size_t only_series, struct decompressor *d, struct error *err)
{
    size_t groups = (table->series_count + GROUP_SERIES - 1) / GROUP_SERIES;
    const uint8_t *frame = chunk->groups;

    if (chunk->group_count != groups)
        return block_corrupt(table, place, "wrong number of groups", err);
    for (size_t g = 0; g < groups; g++) {
        size_t size = (size_t)bytes_get_varint(&chunk->sizes);
        size_t first = g * GROUP_SERIES;
        size_t end =
            first + GROUP_SERIES < table->series_count ? first + GROUP_SERIES : table->series_count;
        struct byte_reader raw = { 0 };

        if (only_series == SIZE_MAX || only_series / GROUP_SERIES == g) {
            if (size > 0 &&
                decompress_frame(d, frame, size, BLOCK_FRAME_MAX, &raw, err) != STATUS_OK)
                return err->status == STATUS_CORRUPT
                           ? block_corrupt(table, place, "a group's frame is damaged", err)
                           : err->status;
            if (get_group(column, table, place, first, end, &raw, err) != STATUS_OK)
                return err->status;
        }
        frame += size;
    }
    return STATUS_OK;
}

enum status block_column_decode(struct block_column *column, const struct block_table *table,
                                size_t position, size_t only_series, chunk_source *source,
                                void *source_context, struct decompressor *d, struct error *err)
{
    struct chunk_place place = table->place;
    unsigned metric = table->shape->column[position].metric;
    uint8_t state = table->column_state[position];
    struct byte_reader r;
    struct chunk chunk;
    enum status st;

    place.column_id = table->shape->column[position].column_id;
    if (!reserve(column, table))
        return error_set(err, STATUS_NO_MEMORY, "column of %s", table->shape->name);
    if (state != 0) {
        if (state >= 2 + MISSING_COUNT)
            return block_corrupt(table, &table->place, "an unknown column state", err);
        fill_constant(column, table, state, metric);
        mark_unread(column, table, metric);
        return STATUS_OK;
    }
    st = block_fetch(table, &place, source, source_context, &chunk, err);
    if (st != STATUS_OK)
        return st;
    st = decompress_frame(d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, &r, err);
    if (st != STATUS_OK)
        return st == STATUS_CORRUPT ? block_corrupt(table, &place, "its frame is damaged", err)
                                    : st;
    st = get_base(column, table, &place, metric, &r, err);
    if (st == STATUS_OK)
        st = get_groups(column, table, &place, &chunk, only_series, d, err);
    if (st == STATUS_OK)
        mark_unread(column, table, metric);
    return st;
}
