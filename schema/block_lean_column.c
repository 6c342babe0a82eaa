/*
 * What other chunks tell of a column: reference values that bases are told by, and lifetimes that tell
 * how counters end and what gauges had last.
 */
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/column.h"
#include "schema/lifetime.h"

static bool reserve_scratch(struct block_column *column, size_t count)
{
    if (count > column->scratch_size) {
        free(column->scratch);
        column->scratch = malloc(count * sizeof *column->scratch);
        column->scratch_size = column->scratch == NULL ? 0 : count;
    }
    return column->scratch != NULL;
}

/* Those that the wanted series refer to, and what lies between them. */
static enum status decode_references(struct block_column *column, const struct block_table *table,
                                     struct byte_reader *r, struct error *err)
{
    size_t first = table->reference_count, end = 0;

    for (size_t i = column->which.first; i < column->which.end; i++) {
        size_t at = table->reference_at[i];

        if (at == 0)
            continue;
        first = at - 1 < first ? at - 1 : first;
        end = at > end ? at : end;
    }
    return column_decode_some(r, column->scratch, table->reference_count, first < end ? first : end,
                              end, err);
}

/* All of them, to be kept, or those that are needed now. */
static enum status take_references(struct block_column *column, const struct block_table *table,
                                   int64_t **kept, struct byte_reader *r, struct error *err)
{
    size_t count = table->reference_count;
    int64_t *values;
    enum status st;

    if (kept == NULL) {
        if (!reserve_scratch(column, count))
            return error_set(err, STATUS_NO_MEMORY, "column of %s", table->shape->name);
        column->reference = column->scratch;
        return decode_references(column, table, r, err);
    }
    values = malloc(count * sizeof *values);
    if (values == NULL)
        return error_set(err, STATUS_NO_MEMORY, "column of %s", table->shape->name);
    st = column_decode(r, values, count, err);
    if (st != STATUS_OK || bytes_left(r) != 0) {
        free(values);
        return st; /* what is left over the caller finds */
    }
    column->reference = *kept = values;
    return STATUS_OK;
}

enum status block_get_reference(struct block_column *column, const struct block_table *table,
                                size_t position, chunk_source *source, void *source_context,
                                struct decompressor *d, struct error *err)
{
    int64_t **kept = block_kept_reference(table, position);
    struct chunk_place place = table->place;
    struct byte_reader r;
    struct chunk chunk;
    enum status st;

    if (kept != NULL && *kept != NULL) {
        column->reference = *kept;
        return STATUS_OK;
    }
    place.block_seq = table->reference_seq;
    place.column_id = COLUMN_REFERENCE + table->shape->column[position].column_id;
    st = block_fetch(table, &place, source, source_context, &chunk, err);
    if (st == STATUS_OK)
        st = decompress_frame(d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, &r, err);
    if (st == STATUS_OK)
        st = take_references(column, table, kept, &r, err);
    if (st == STATUS_CORRUPT || (st == STATUS_OK && bytes_left(&r) != 0))
        return block_corrupt(table, &place, "it is damaged", err);
    return st;
}

void block_add_reference(struct block_column *column, const struct block_table *table)
{
    for (size_t i = column->which.first; i < column->which.end; i++)
        if (table->reference_at[i] != 0)
            column->base[i] =
                wrap_add(column->base[i], column->reference[table->reference_at[i] - 1]);
}

enum status block_get_told(struct block_column *column, const struct block_table *table,
                           size_t position, chunk_source *source, void *source_context,
                           struct decompressor *d, struct error *err)
{
    unsigned metric = table->shape->column[position].metric;
    bool counter = table->shape->column[position].kind == METRIC_COUNTER, ticks;
    size_t count = table->told->count;
    uint8_t state = metric < table->told->metric_count ? table->told->metric_state[metric]
                                                       : 2 + MISSING_UNSUPPORTED;
    struct lifetime_source from = { .block_seq = table->place.block_seq,
                                    .source = source,
                                    .source_context = source_context,
                                    .d = d };

    if (count > column->told_size) {
        free(column->told);
        free(column->told_missing);
        column->told = malloc(count * sizeof *column->told);
        column->told_missing = malloc(count);
        column->told_size = column->told == NULL || column->told_missing == NULL ? 0 : count;
    }
    if (count > column->told_size)
        return error_set(err, STATUS_NO_MEMORY, "column of %s", table->shape->name);
    if (state >= 2 + MISSING_COUNT)
        return block_corrupt(table, &table->place, "an unknown metric state of lifetimes", err);
    memset(column->told, 0, count * sizeof *column->told);
    memset(column->told_missing, state >= 2 ? state - 2 : 0, count);
    if (state != 0)
        return STATUS_OK;
    if (lifetime_metric_decode(&from, table->told, metric, 1, column->told, column->told_missing,
                               &ticks, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; !counter && i < count; i++)
        column->told_missing[i] ^= table->told_reason[i];
    return STATUS_OK;
}

void block_begin_told(struct block_column *column, const struct block_table *table)
{
    for (size_t i = column->which.first; i < column->which.end; i++)
        if (table->told_at[i] != 0 && column->told_missing[table->told_at[i] - 1] == MISSING_NONE)
            column->base[i] = column->told[table->told_at[i] - 1];
}

void block_end_told(struct block_column *column, const struct block_table *table, bool counter)
{
    if (column->missing == NULL)
        block_begin_missing(column, table, MISSING_NONE);
    for (size_t i = column->which.first; i < column->which.end; i++) {
        size_t last = table->row[i + 1] - 1, told = table->told_at[i];
        uint8_t missing;

        if (told == 0)
            continue;
        column->base[i] = 0;
        missing = column->told_missing[told - 1];
        column->missing[last] = missing != MISSING_NONE || counter ? missing : MISSING_EXITED;
        if (counter && missing == MISSING_NONE)
            column->value[last] = column->told[told - 1];
    }
}
