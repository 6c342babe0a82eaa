/*
 * One column's chunk into dense values: base, missing patterns, then the groups' deltas. Every
 * count read here comes from a file that may be damaged or hostile: each is bounded before use.
 */
#include <assert.h>
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/column.h"

void block_column_release(struct block_column *column)
{
    bool changes_only = column->changes_only;

    free(column->value);
    free(column->missing_store);
    free(column->base);
    free(column->base_ns);
    free(column->delta);
    free(column->scratch);
    free(column->told);
    free(column->told_missing);
    free(column->change_at);
    *column = (struct block_column){ .changes_only = changes_only };
}

static bool reserve_changes(struct block_column *column, const struct block_table *table)
{
    size_t changes = table->active_at[table->active_for.end] + 1;
    size_t series = table->series_count + 1;

    if (changes > column->change_size) {
        free(column->delta);
        column->change_size = changes + changes / 8;
        column->delta = malloc(column->change_size * sizeof *column->delta);
    }
    if (series > column->change_at_size) {
        free(column->change_at);
        column->change_at_size = series;
        column->change_at = malloc(series * sizeof *column->change_at);
    }
    return column->delta != NULL && column->change_at != NULL;
}

static bool reserve_values(struct block_column *column, size_t rows)
{
    if (rows > column->value_size) {
        free(column->value);
        free(column->delta);
        column->value = malloc(rows * sizeof *column->value);
        column->delta = malloc(rows * sizeof *column->delta);
        column->value_size = rows;
    }
    return column->value != NULL && column->delta != NULL;
}

static bool reserve(struct block_column *column, const struct block_table *table)
{
    size_t rows = table->row[table->series_count] + 1;
    size_t series = table->series_count + 1;
    bool room =
        column->changes_only ? reserve_changes(column, table) : reserve_values(column, rows);

    if (rows > column->row_size) {
        free(column->missing_store);
        column->missing_store = malloc(rows);
        column->row_size = rows;
    }
    if (series > column->series_size) {
        free(column->base);
        free(column->base_ns);
        column->base = malloc(series * sizeof *column->base);
        column->base_ns = malloc(series * sizeof *column->base_ns);
        column->series_size = series;
    }
    if (!room || column->missing_store == NULL || column->base == NULL || column->base_ns == NULL) {
        block_column_release(column);
        return false;
    }
    column->missing = NULL;
    return true;
}

static bool is_wanted(const struct block_column *column, size_t series)
{
    return series >= column->which.first && series < column->which.end;
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

void block_begin_missing(struct block_column *column, const struct block_table *table,
                         uint8_t reason)
{
    size_t first = table->row[column->which.first];

    column->missing = column->missing_store;
    memset(column->missing + first, reason, table->row[column->which.end] - first);
}

/* Samples at ticks where the metric was not read: missing, but for a series' first and last. */
static void mark_unread(struct block_column *column, const struct block_table *table,
                        unsigned metric)
{
    if (table->mask == NULL || (table->mask_always >> metric & 1) != 0)
        return;
    if (column->missing == NULL)
        block_begin_missing(column, table, MISSING_NONE);
    for (size_t i = column->which.first; i < column->which.end; i++) {
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
    block_begin_missing(column, table, MISSING_NONE);
    bytes_skip_varints(r, column->which.first);
    for (size_t i = column->which.first; i < column->which.end && ok; i++) {
        uint64_t p = bytes_get_varint(r);
        bool all = false;

        ok = p <= count && !r->overrun;
        if (ok && p > 0) {
            struct byte_reader pattern = { .data = r->data, .size = r->size, .used = start[p - 1] };

            ok = lay_pattern(&pattern, column->missing + table->row[i],
                             block_stored_count(table, i), &all);
        }
        if (all)
            column->base_ns[i] = INT64_MIN;
    }
    free(start);
    bytes_skip_varints(r, table->series_count - column->which.end);
    return ok && !r->overrun ? STATUS_OK : block_corrupt(table, place, "missing values", err);
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

    if (column_decode_some(r, column->base, table->series_count, column->which.first,
                           column->which.end, err) != STATUS_OK)
        return block_corrupt(table, place, "bases", err);
    for (size_t i = column->which.first; i < column->which.end; i++)
        column->base_ns[i] = usual_base_ns(table, i, metric);
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
    const uint32_t *active = table->active + table->active_at[index];
    size_t changes = delta == NULL ? 0 : block_stored_changes(table, index);
    uint32_t count = table->series[index].count;
    uint64_t now = (uint64_t)base;
    uint32_t at = 0;

    for (size_t a = 0; a < changes; a++) {
        uint32_t change = active[a];

        while (at < change)
            value[at++] = (int64_t)now;
        now += (uint64_t)*delta++;
        value[at++] = (int64_t)now;
    }
    while (at < count)
        value[at++] = (int64_t)now;
}

/*
 * How often each series of a group changes in this column, by the flags that the frame begins with.
 * False: it is cut short.
 */
static bool get_changes(const struct block_table *table, size_t first, size_t end,
                        struct byte_reader *r, size_t changes[GROUP_SERIES])
{
    size_t active = 0, flag = 0;
    const uint8_t *flags;

    memset(changes, 0, GROUP_SERIES * sizeof *changes);
    if (r->size == 0)
        return true;
    for (size_t i = first; i < end; i++) {
        changes[i - first] = block_stored_changes(table, i);
        active += changes[i - first] > 0;
    }
    flags = bytes_get(r, (active + 7) / 8);
    if (flags == NULL)
        return false;
    for (size_t k = 0; k < end - first; k++)
        if (changes[k] > 0) {
            changes[k] = (flags[flag / 8] >> flag % 8 & 1) != 0 ? changes[k] : 0;
            flag++;
        }
    return true;
}

static enum status get_group(struct block_column *column, const struct block_table *table,
                             const struct chunk_place *place, size_t first, size_t end,
                             struct byte_reader *r, struct error *err)
{
    size_t total = 0, at = 0, wanted = 0, wanted_end = 0, changes[GROUP_SERIES];
    size_t room = column->changes_only ? table->active_at[first] : 0; /* of earlier groups */
    int64_t *delta = column->delta + room;

    if (!get_changes(table, first, end, r, changes))
        return block_corrupt(table, place, "a group is cut short", err);
    for (size_t i = first; i < end; i++) {
        wanted = i <= column->which.first ? total : wanted;
        total += changes[i - first];
        wanted_end = i < column->which.end ? total : wanted_end;
    }
    if (column_decode_some(r, delta, total, wanted, wanted_end, err) != STATUS_OK ||
        bytes_left(r) != 0)
        return block_corrupt(table, place, "a group's values do not fit", err);
    for (size_t i = first; i < end; at += changes[i++ - first]) {
        if (!is_wanted(column, i))
            continue;
        if (column->changes_only)
            column->change_at[i] = changes[i - first] > 0 ? (uint32_t)(room + at) : BLOCK_UNCHANGED;
        else
            expand(table, i, column->base[i], changes[i - first] > 0 ? delta + at : NULL,
                   column->value + table->row[i]);
    }
    return STATUS_OK;
}

/* A column without a chunk: unchanging, or all missing for one reason. */
static void fill_constant(struct block_column *column, const struct block_table *table,
                          uint8_t state, unsigned metric, bool referenced, bool told)
{
    for (size_t i = column->which.first; i < column->which.end; i++)
        column->base[i] = 0;
    if (referenced)
        block_add_reference(column, table);
    if (told)
        block_begin_told(column, table);
    for (size_t i = column->which.first; column->changes_only && i < column->which.end; i++)
        column->change_at[i] = BLOCK_UNCHANGED;
    for (size_t i = column->which.first; !column->changes_only && i < column->which.end; i++)
        for (size_t row = table->row[i]; row < table->row[i + 1]; row++)
            column->value[row] = column->base[i];
    for (size_t i = column->which.first; i < column->which.end; i++)
        column->base_ns[i] = state == 1 ? usual_base_ns(table, i, metric) : INT64_MIN;
    if (state >= 2)
        block_begin_missing(column, table, (uint8_t)(state - 2));
}

static enum status get_groups(struct block_column *column, const struct block_table *table,
                              const struct chunk_place *place, struct chunk *chunk,
                              struct decompressor *d, struct error *err)
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

        if (block_wants_group(table, g, column->which)) {
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

/* A column with a chunk. */
static enum status get_column(struct block_column *column, const struct block_table *table,
                              const struct chunk_place *place, unsigned metric, bool referenced,
                              bool told, chunk_source *source, void *source_context,
                              struct decompressor *d, struct error *err)
{
    struct byte_reader r;
    struct chunk chunk;
    enum status st = block_fetch(table, place, source, source_context, &chunk, err);

    if (st != STATUS_OK)
        return st;
    st = decompress_frame(d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, &r, err);
    if (st != STATUS_OK)
        return st == STATUS_CORRUPT ? block_corrupt(table, place, "its frame is damaged", err) : st;
    if (get_base(column, table, place, metric, &r, err) != STATUS_OK)
        return err->status;
    if (referenced)
        block_add_reference(column, table);
    if (told)
        block_begin_told(column, table);
    return get_groups(column, table, place, &chunk, d, err);
}

enum status block_column_decode(struct block_column *column, const struct block_table *table,
                                size_t position, struct series_range which, chunk_source *source,
                                void *source_context, struct decompressor *d, struct error *err)
{
    struct chunk_place place = table->place;
    unsigned metric = table->shape->column[position].metric;
    uint8_t state = table->column_state[position];
    bool referenced = table->reference_at != NULL && table->reference_state[position] != 0;
    bool counter = table->shape->column[position].kind == METRIC_COUNTER;
    bool told_gauge = table->told_at != NULL && !counter;

    place.column_id = table->shape->column[position].column_id;
    if (!reserve(column, table))
        return error_set(err, STATUS_NO_MEMORY, "column of %s", table->shape->name);
    column->which.end = which.end < table->series_count ? which.end : table->series_count;
    column->which.first = which.first < column->which.end ? which.first : column->which.end;
    if (column->which.end - column->which.first < table->series_count) {
        place.first_group = (uint32_t)(column->which.first / GROUP_SERIES);
        place.end_group = (uint32_t)((column->which.end + GROUP_SERIES - 1) / GROUP_SERIES);
    }
    assert(column->which.first == column->which.end ||
           (column->which.first >= table->active_for.first &&
            column->which.end <= table->active_for.end));
    if (state >= 2 + MISSING_COUNT)
        return block_corrupt(table, &table->place, "an unknown column state", err);
    if (referenced &&
        block_get_reference(column, table, position, source, source_context, d, err) != STATUS_OK)
        return err->status;
    if (table->told_at != NULL &&
        block_get_told(column, table, position, source, source_context, d, err) != STATUS_OK)
        return err->status;
    if (state != 0)
        fill_constant(column, table, state, metric, referenced, told_gauge);
    else if (get_column(column, table, &place, metric, referenced, told_gauge, source,
                        source_context, d, err) != STATUS_OK)
        return err->status;
    if (column->changes_only)
        return STATUS_OK;
    mark_unread(column, table, metric);
    if (table->told_at != NULL)
        block_end_told(column, table, counter);
    return STATUS_OK;
}
