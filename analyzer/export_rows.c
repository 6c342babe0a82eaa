/* Samples as rows of typed cells: one per tick and series, for every format. */
#include "analyzer/export_rows.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/export_csv.h"

struct rows {
    struct export *e;
    struct export_dense dense;
    struct export_layout layout;
    struct output output;
    struct output_cell *cell;
    size_t wanted;                 /* metrics */
    char (*digits)[EXPORT_DIGITS]; /* [metric] */
};

static void fill_metrics(struct rows *r, const struct export_slice *slice, size_t row)
{
    size_t metrics = r->layout.table->metric_count;
    struct output_cell *cell = r->cell + r->layout.metric_at;
    struct output_cell *why = cell + r->wanted;

    for (size_t m = 0; m < metrics; m++) {
        const struct block_column *column = &slice->column[m];
        uint8_t missing = !slice->decoded[m]        ? MISSING_UNSUPPORTED
                          : column->missing == NULL ? MISSING_NONE
                                                    : column->missing[row];
        const char *reason = missing_name((enum missing)missing);

        if (!export_wants_metric(r->e, m))
            continue;
        if (missing == MISSING_NONE)
            export_value(&r->layout.metric[m], column->value[row], r->digits[m], cell);
        else
            *cell = (struct output_cell){ .missing = true };
        if (r->e->missing_reasons)
            *why++ = (struct output_cell){ .missing = missing == MISSING_NONE,
                                           .text = reason,
                                           .text_size = strlen(reason) };
        cell++;
    }
}

static enum status visit_dense(void *context, const struct export_slice *slice, struct error *err)
{
    struct rows *r = context;

    for (size_t i = slice->first_series; i < slice->end_series; i++) {
        const struct series *s = &slice->table->series[i];
        struct export_identity identity;
        struct export_run run = { 0 };

        if (export_identify(r->e, slice, r->layout.table, i, &identity, err) != STATUS_OK)
            return err->status;
        while (export_run_next(r->e, slice, i, &identity, 0, &run)) {
            export_identity_cells(r->e, &r->layout, s, &identity, run.version,
                                  r->cell + r->layout.identity_at);
            for (uint32_t k = run.first; k < run.end; k++) {
                r->cell[0].integer = r->cell[1].integer = slice->table->tick_ns[s->first + k];
                fill_metrics(r, slice, slice->table->row[i] + k);
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
    struct rows *r = context;

    return export_dense(&r->dense, r->e, r->layout.table, slice, visit_dense, r, err);
}

/* At level 0 a table's columns are its metrics, one each. */
static enum status add_columns(struct rows *r, struct error *err)
{
    size_t metrics = r->layout.table->metric_count;

    for (size_t m = 0; m < metrics; m++) {
        if (!export_wants_metric(r->e, m))
            continue;
        r->wanted++;
        if (export_layout_metric(&r->layout, m, "", err) != STATUS_OK)
            return err->status;
    }
    for (size_t m = 0; r->e->missing_reasons && m < metrics; m++)
        if (export_wants_metric(r->e, m) &&
            export_layout_add(&r->layout, r->layout.metric[m].metric->name, "__missing",
                              OUTPUT_TEXT, HUMAN_PLAIN, 0, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

enum status export_rows(struct export *e, const struct recording_table *table, struct error *err)
{
    struct rows r = { .e = e };
    struct error closing;
    enum status st = export_layout_init(&r.layout, table, err);

    if (st == STATUS_OK)
        st = add_columns(&r, err);
    r.cell = calloc(r.layout.count + 1, sizeof *r.cell);
    r.digits = calloc(table->metric_count, sizeof *r.digits);
    if (st == STATUS_OK && (r.cell == NULL || r.digits == NULL))
        st = error_set(err, STATUS_NO_MEMORY, "a row of %s", table->name);
    if (st == STATUS_OK) {
        st = output_open(&r.output, e->file, r.layout.column, r.layout.count, &e->output, err);
        if (st == STATUS_OK)
            st = export_walk(e, table, 0, visit, &r, err);
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

enum status export_samples(struct export *e, const struct recording_table *table, struct error *err)
{
    if (e->output.format == OUTPUT_CSV && !e->plainly && !e->missing_reasons)
        return export_csv(e, table, err);
    return export_rows(e, table, err);
}
