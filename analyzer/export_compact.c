/* Decoding columns one after the other and keeping only their changes. */
#include "analyzer/export_compact.h"

#include <stdlib.h>
#include <string.h>

void compact_release(struct compact *compact)
{
    for (size_t m = 0; m < TABLE_METRICS_MAX; m++) {
        free(compact->column[m].value);
        free(compact->column[m].missing_store);
    }
    block_column_release(&compact->dense);
    *compact = (struct compact){ 0 };
}

static bool reserve(struct compact_column *column, size_t values, size_t rows)
{
    if (values > column->value_size) {
        free(column->value);
        column->value_size = values + values / 8;
        column->value = malloc(column->value_size * sizeof *column->value);
        column->value_size = column->value == NULL ? 0 : column->value_size;
    }
    if (rows > column->missing_size) {
        free(column->missing_store);
        column->missing_size = rows + rows / 8;
        column->missing_store = malloc(column->missing_size);
        column->missing_size = column->missing_store == NULL ? 0 : column->missing_size;
    }
    return values <= column->value_size && rows <= column->missing_size;
}

static enum status keep_changes(const struct compact *compact, struct compact_column *column,
                                const struct export_slice *slice, struct error *err)
{
    const struct block_table *table = slice->table;
    const struct block_column *dense = &compact->dense;
    size_t rows = table->row[slice->end_series] - compact->first_row;
    size_t series = slice->end_series - slice->first_series;
    int64_t *out;

    if (!reserve(column, table->active_at[slice->end_series] - compact->first_active + series,
                 dense->missing == NULL ? 0 : rows))
        return error_set(err, STATUS_NO_MEMORY, "column of %s", table->shape->name);
    out = column->value;
    for (size_t s = slice->first_series; s < slice->end_series; s++) {
        const int64_t *value = dense->value + table->row[s];

        *out++ = dense->base[s];
        for (size_t a = table->active_at[s]; a < table->active_at[s + 1]; a++)
            *out++ = value[table->active[a]];
    }
    column->missing = dense->missing == NULL ? NULL : column->missing_store;
    if (column->missing != NULL)
        memcpy(column->missing, dense->missing + compact->first_row, rows);
    return STATUS_OK;
}

enum status compact_decode(struct compact *compact, const struct export *e,
                           const struct export_slice *slice, struct error *err)
{
    const struct block_table *table = slice->table;
    const struct series_range which = { slice->first_series, slice->end_series };

    compact->first_series = slice->first_series;
    compact->first_row = table->row[slice->first_series];
    compact->first_active = table->active_at[slice->first_series];
    for (size_t m = 0; m < table->shape->column_count; m++) {
        struct compact_column *column = &compact->column[m];

        column->decoded = export_wants(e, table, m);
        if (!column->decoded)
            continue;
        if (recording_column(e->subject->recording, table, m, which, &compact->dense, err) !=
                STATUS_OK ||
            keep_changes(compact, column, slice, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}
