/* Buckets -> rows of cells. */
#include "analyzer/timeline_print.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/trust.h"

enum { IDENTITY_MAX = 8 };

struct printing {
    struct timeline *t;
    const struct timeline_columns *columns;
    const struct subject *subject;
    struct export identities;         /* whose recording they are in */
    size_t number[TABLE_METRICS_MAX]; /* [position] in t->metric */
    struct output output;
    struct output_column column[TIMELINE_COLUMNS_MAX];
    struct output_cell cell[TIMELINE_COLUMNS_MAX];
    char digits[TIMELINE_COLUMNS_MAX][EXPORT_DIGITS];
};

/* Who a row is of, in the order of the layout's columns. */
static enum status identify(struct printing *p, const struct timeline_row *row,
                            struct output_cell cells[IDENTITY_MAX], struct error *err)
{
    struct timeline *t = p->t;
    struct export_identity identity = { .of_process = t->key >= 0 };
    const struct series series = { .key = { row->key.id[0], row->key.id[1] } };
    const struct version *version = NULL;

    if (t->by == TIMELINE_NAME) {
        const struct text *name = &t->groups.group[row->key.id[0]].key;

        cells[0] = (struct output_cell){ .missing = name->data == NULL,
                                         .text = name->data,
                                         .text_size = name->size };
        return STATUS_OK;
    }
    if (t->by != TIMELINE_SERIES)
        return STATUS_OK;
    if (t->key >= 0) {
        if (recording_process(p->subject->recording, row->block, row->key.id[t->key],
                              &identity.process, err) != STATUS_OK)
            return err->status;
        version = process_version_at(identity.process, row->last_ns);
    }
    export_identity_cells(&p->identities, &p->columns->layout, &series, &identity, version, cells);
    return STATUS_OK;
}

/* How long the samples stand for: of processes, those of CPU time, as in a report. */
static int64_t covered(const struct timeline *t, const struct timeline_row *row)
{
    bool processes = strcmp(t->table->name, "process_samples") == 0;
    int64_t longest = 0;

    for (size_t m = 0; row != NULL && m < t->metric_count; m++) {
        if (row->cell[m].covered_ns > longest)
            longest = row->cell[m].covered_ns;
        if (processes)
            break; /* the first of them is CPU time */
    }
    return longest;
}

static int64_t begin_ns(const struct printing *p, size_t bucket)
{
    /* A whole recording's window begins right before its first sample. */
    return timeline_bucket_from(&p->t->buckets, bucket) + (bucket == 0 && p->subject->whole);
}

static void fill_row(struct printing *p, size_t bucket, const struct timeline_row *row,
                     const struct output_cell identity[IDENTITY_MAX])
{
    const struct timeline_buckets *b = &p->t->buckets;

    for (size_t i = 0; i < p->columns->chosen_count; i++) {
        const struct timeline_column *column = &p->columns->column[p->columns->chosen[i]];
        struct output_cell *cell = &p->cell[i];

        *cell = (struct output_cell){ .missing = false };
        if (column->figure == TIMELINE_TIME)
            cell->integer = begin_ns(p, bucket);
        else if (column->figure == TIMELINE_LENGTH)
            cell->integer = b->end_ns[bucket] - begin_ns(p, bucket);
        else if (column->figure == TIMELINE_TICKS)
            cell->integer = b->ticks[bucket];
        else if (column->figure == TIMELINE_COVERED)
            cell->integer = covered(p->t, row);
        else if (row == NULL)
            cell->missing = true;
        else if (column->figure == TIMELINE_IDENTITY)
            *cell = identity[column->which];
        else
            *cell = timeline_figure(p->columns, column, &row->cell[p->number[column->which]],
                                    p->digits[i]);
    }
}

static enum status take_bucket(void *self, size_t bucket, const struct timeline_row rows[],
                               size_t count, struct error *err)
{
    struct printing *p = self;
    struct output_cell identity[IDENTITY_MAX];

    if (count == 0) {
        fill_row(p, bucket, NULL, NULL);
        output_row(&p->output, p->cell, OUTPUT_DIM);
    }
    for (size_t i = 0; i < count; i++) {
        if (identify(p, &rows[i], identity, err) != STATUS_OK)
            return err->status;
        fill_row(p, bucket, &rows[i], identity);
        output_row(&p->output, p->cell, OUTPUT_NORMAL);
    }
    return output_broken(&p->output) ? STATUS_FULL : STATUS_OK; /* output_close() says why */
}

enum status timeline_print(struct timeline *t, const struct timeline_columns *columns,
                           const struct subject *subject, FILE *file,
                           const struct output_options *options, struct error *err)
{
    struct printing *p = calloc(1, sizeof *p);
    struct error closing;
    enum status st, closed;

    if (p == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rows");
    *p = (struct printing){ .t = t,
                            .columns = columns,
                            .subject = subject,
                            .identities = { .subject = subject, .select = t->select } };
    for (size_t m = 0; m < t->metric_count; m++)
        p->number[t->metric[m]] = m;
    for (size_t i = 0; i < columns->chosen_count; i++) {
        p->column[i] = columns->layout.column[columns->chosen[i]];
        p->column[i].name = timeline_columns_title(columns, i);
    }
    t->sink = (struct timeline_sink){ take_bucket, p };
    st = output_open(&p->output, file, p->column, columns->chosen_count, options, err);
    if (st == STATUS_OK)
        st = timeline_read(t, subject, err);
    if (st == STATUS_OK)
        trust_notes_of_coverage(&p->output, &t->coverage, t->resets, subject);
    closed = output_close(&p->output, st == STATUS_OK || st == STATUS_FULL ? err : &closing);
    free(p);
    return st == STATUS_OK || closed == STATUS_IO ? closed : st;
}
