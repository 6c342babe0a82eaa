/*
 * Rollups as rows: one per series and window, time = the window's start. Per metric
 *
 *   METRIC.last, METRIC.covered_ns                                            all kinds
 *   METRIC.rate_max (per second), METRIC.rate_max_at_ns (from window start)   counters
 *   METRIC.min, METRIC.max, METRIC.sum (value x ns, exact)                    gauges
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/export_part.h"
#include "analyzer/export_rows.h"

struct rollup_rows {
    struct export *e;
    unsigned level;
    struct export_dense dense;
    struct export_layout layout;
    struct output output;
    struct output_cell *cell;
    char (*digits)[EXPORT_DIGITS]; /* [column] */
};

/* One window of a series, out of the columns. */
static void take_row(const struct export_slice *slice, size_t row, int64_t values[],
                     uint8_t missing[])
{
    for (unsigned c = 0; c < slice->table->shape->column_count; c++) {
        const struct block_column *column = &slice->column[c];

        missing[c] = MISSING_UNSUPPORTED;
        values[c] = 0;
        if (!slice->decoded[c])
            continue;
        missing[c] = column->missing == NULL ? MISSING_NONE : column->missing[row];
        values[c] = column->value[row];
    }
}

static void fill_row(struct rollup_rows *r, const struct export_slice *slice, size_t series,
                     uint32_t sample)
{
    const struct block_table *table = slice->table;
    const struct build_shape *shape = table->shape;
    size_t row = table->row[series] + sample;
    uint32_t window = table->series[series].first + sample;
    const int64_t *covered = table->covered_ns + (size_t)window * shape->metric_count;
    struct output_cell *cell = r->cell + r->layout.metric_at;
    int64_t values[BUILD_COLUMNS_MAX];
    uint8_t missing[BUILD_COLUMNS_MAX];

    r->cell[0].integer = r->cell[1].integer = table->tick_ns[window];
    take_row(slice, row, values, missing);
    for (unsigned m = 0; m < shape->metric_count; m++) {
        if (!export_wants_metric(r->e, m))
            continue;

        const struct block_column *last = &slice->column[shape->first_column[m]];
        struct rollup_cell part;
        int64_t before = 0;

        if (slice->decoded[shape->first_column[m]])
            before = sample == 0 ? last->base[series] : last->value[row - 1];
        rollup_cell_from_row(shape, m, values, missing, covered[m], before, &part);
        cell = export_part_cells(&r->layout.metric[m], &part, EXPORT_LAST,
                                 r->digits + (cell - r->cell), cell);
    }
}

static enum status visit_dense(void *context, const struct export_slice *slice, struct error *err)
{
    struct rollup_rows *r = context;
    int64_t length_ns = level_seconds[r->level] * 1000000000;

    for (size_t i = slice->first_series; i < slice->end_series; i++) {
        const struct series *s = &slice->table->series[i];
        struct export_identity identity;
        struct export_run run = { 0 };

        if (export_identify(r->e, slice, r->layout.table, i, &identity, err) != STATUS_OK)
            return err->status;
        while (export_run_next(r->e, slice, i, &identity, length_ns, &run)) {
            export_identity_cells(r->e, &r->layout, s, &identity, run.version,
                                  r->cell + r->layout.identity_at);
            for (uint32_t k = run.first; k < run.end; k++) {
                fill_row(r, slice, i, k);
                output_row(&r->output, r->cell, OUTPUT_NORMAL);
                r->e->row_count++;
            }
        }
        if (output_broken(&r->output))
            return STATUS_FULL; /* output_close() says why */
    }
    return STATUS_OK;
}

static enum status visit(void *context, const struct export_slice *slice, struct error *err)
{
    struct rollup_rows *r = context;

    return export_dense(&r->dense, r->e, r->layout.table, slice, visit_dense, r, err);
}

enum status export_rollup(struct export *e, const struct recording_table *table, unsigned level,
                          struct error *err)
{
    struct rollup_rows r = { .e = e, .level = level };
    struct error closing;
    enum status st = export_layout_init(&r.layout, table, err);

    for (size_t m = 0; m < table->metric_count && st == STATUS_OK; m++)
        if (export_wants_metric(e, m))
            st = export_part_columns(&r.layout, m, EXPORT_LAST, err);
    r.cell = calloc(r.layout.count + 1, sizeof *r.cell);
    r.digits = calloc(r.layout.count + 1, sizeof *r.digits);
    if (st == STATUS_OK && (r.cell == NULL || r.digits == NULL))
        st = error_set(err, STATUS_NO_MEMORY, "a row of %s", table->name);
    if (st == STATUS_OK) {
        st = output_open(&r.output, e->file, r.layout.column, r.layout.count, &e->output, err);
        if (st == STATUS_OK)
            st = export_walk(e, table, level, visit, &r, err);
        if (output_close(&r.output, &closing) != STATUS_OK) {
            *err = closing;
            st = closing.status;
        }
    }
    free(r.cell);
    free(r.digits);
    export_dense_release(&r.dense);
    export_layout_release(&r.layout);
    return st;
}
