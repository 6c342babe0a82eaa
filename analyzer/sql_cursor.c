/* The rows of one table, one by one. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/export_rows.h"
#include "analyzer/progress.h"
#include "analyzer/report.h"
#include "analyzer/sql_table.h"

enum { IDENTITY_CELLS = 8 };

/* Samples: a block at a time, in it series by series, in it run by run (one version each). */
struct samples {
    struct export e;
    struct export_layout layout;
    struct export_dense dense;
    struct export_block block;
    bool is_open; /* the block */
    size_t next_block;
    size_t series;
    struct export_identity identity;
    struct export_run run;
    uint32_t sample;
    struct output_cell cells[IDENTITY_CELLS];
    char digits[EXPORT_DIGITS];
};

struct sql_cursor {
    struct sql_recording *recording;
    const struct sql_table *table;
    struct sql_filter filter;
    struct subject subject; /* the recording's, with the filter's window */
    bool ended;
    struct samples samples;
    struct capture rows; /* of all other tables */
    size_t row;
    size_t *place; /* SQL_USAGE: [column] in `rows`; SIZE_MAX: was not asked for */
    struct capture scratch;
};

static const struct select select_everything;

/* --- samples --- */

static bool is_used(const struct sql_filter *filter, size_t column)
{
    return (filter->used >> (column < 63 ? column : 63) & 1) != 0;
}

static enum status next_block(struct sql_cursor *c, struct error *err)
{
    struct samples *s = &c->samples;
    const struct recording_contents *contents = c->recording->subject.contents;
    struct recording *recording = c->recording->subject.recording;
    enum status st = STATUS_ABSENT;

    if (s->is_open)
        export_block_close(&s->block);
    s->is_open = false;
    while (st == STATUS_ABSENT && s->next_block < contents->block_count[0]) {
        const struct recording_block *block = &contents->blocks[0][s->next_block];

        progress_show(s->next_block++, contents->block_count[0]);

        st = recording_hold(recording, err);
        if (st == STATUS_OK)
            st = export_block_open(&s->e, c->table->samples, block, &s->block, err);
        if (st == STATUS_OK)
            st = export_decode(&s->dense, &s->e, &s->block.slice, err);
        recording_let_go(recording);
        s->is_open = st == STATUS_OK;
        if (st != STATUS_OK)
            export_block_close(&s->block);
    }
    if (st != STATUS_OK)
        return st;
    s->series = s->block.slice.first_series;
    s->run = (struct export_run){ 0 };
    return export_identify(&s->e, &s->block.slice, c->table->samples, s->series, &s->identity, err);
}

/* To the first sample of the next run; ABSENT: there is none any more. */
static enum status next_run(struct sql_cursor *c, struct error *err)
{
    struct samples *s = &c->samples;
    const struct export_slice *slice = &s->block.slice;
    enum status st = s->is_open ? STATUS_OK : next_block(c, err);

    while (st == STATUS_OK &&
           ((c->filter.has_key && slice->table->series[s->series].key[0] != c->filter.key) ||
            !export_run_next(&s->e, slice, s->series, &s->identity, 0, &s->run))) {
        s->run = (struct export_run){ 0 };
        if (++s->series < slice->end_series)
            st = export_identify(&s->e, slice, c->table->samples, s->series, &s->identity, err);
        else
            st = next_block(c, err);
    }
    if (st != STATUS_OK)
        return st;
    s->sample = s->run.first;
    export_identity_cells(&s->e, &s->layout, &slice->table->series[s->series], &s->identity,
                          s->run.version, s->cells);
    return STATUS_OK;
}

static enum status next_sample(struct sql_cursor *c, struct error *err)
{
    struct samples *s = &c->samples;
    enum status st = STATUS_OK;

    if (!s->is_open || ++s->sample >= s->run.end)
        st = next_run(c, err);
    if (st == STATUS_OK && s->e.damaged_count > 0)
        return (*err = s->e.damage).status;
    c->ended = st == STATUS_ABSENT;
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

static enum status begin_samples(struct sql_cursor *c, struct error *err)
{
    struct samples *s = &c->samples;
    const struct recording_table *table = c->table->samples;

    s->e = (struct export){ .subject = &c->subject, .select = &select_everything };
    s->e.only = c->filter.has_key ? c->filter.key : 0;
    for (size_t m = 0; m < table->metric_count; m++)
        if (is_used(&c->filter, c->table->metric_at + m))
            s->e.metrics |= UINT64_C(1) << m;
    if (export_layout_init(&s->layout, table, err) != STATUS_OK)
        return err->status;
    if (c->filter.has_key && c->filter.key == 0) { /* no series has it */
        c->ended = true;
        return STATUS_OK;
    }
    return next_sample(c, err);
}

static struct output_cell sample_cell(struct sql_cursor *c, size_t column)
{
    struct samples *s = &c->samples;
    const struct block_table *table = s->block.slice.table;
    const struct series *series = &table->series[s->series];
    size_t row = table->row[s->series] + s->sample, m = column - c->table->metric_at;
    struct output_cell cell = { .integer = table->tick_ns[series->first + s->sample] };
    const struct block_column *values;

    if (column < s->layout.identity_at)
        return cell;
    if (column < c->table->metric_at)
        return s->cells[column - s->layout.identity_at];
    values = &s->dense.column[m];
    if (!s->dense.decoded[m] || (values->missing != NULL && values->missing[row] != MISSING_NONE))
        return (struct output_cell){ .missing = true };
    export_value(&s->layout.metric[m], values->value[row], s->digits, &cell);
    return cell;
}

static struct output_column sample_column(const struct sql_cursor *c, size_t column)
{
    const struct export_layout *layout = &c->samples.layout;
    const struct export_metric *metric;

    if (column < c->table->metric_at)
        return layout->column[column];
    metric = &layout->metric[column - c->table->metric_at];
    return (struct output_column){
        .type = metric->metric->kind == METRIC_STATE ? OUTPUT_TEXT
                : metric->exponent > 0               ? OUTPUT_DECIMAL
                                                     : OUTPUT_INTEGER,
        .exponent = metric->exponent > 0 ? metric->exponent : 0,
    };
}

/* --- the other tables --- */

static enum status read_other(struct sql_cursor *c, struct error *err)
{
    struct export e = { .subject = &c->subject,
                        .select = &select_everything,
                        .metrics = UINT64_MAX,
                        .output = capture_options(&c->rows) };
    enum status st = c->table->other->run(&e, err);

    return st == STATUS_OK && e.damaged_count > 0 ? (*err = e.damage).status : st;
}

bool sql_usage_has(const struct report_column *column)
{
    return column->fact != FACT_NOT_RECORDED && column->fact != FACT_ROW &&
           column->fact != FACT_PROCESSES;
}

/* The report's columns that are used; the one that it is sorted by is read anyway. */
static enum status usage_columns(struct sql_cursor *c, struct report *r, struct error *err)
{
    size_t column = 0;

    c->place = malloc(c->table->column_count * sizeof *c->place);
    if (c->place == NULL)
        return error_set(err, STATUS_NO_MEMORY, "usage");
    for (size_t i = 0; i < c->table->column_count; i++)
        c->place[i] = SIZE_MAX;
    for (size_t i = 0; i < report_column_count; i++) {
        if (!sql_usage_has(&report_columns[i]))
            continue;
        if (is_used(&c->filter, column) && r->column_count < REPORT_COLUMNS_MAX) {
            c->place[column] = r->column_count;
            r->column[r->column_count++] = &report_columns[i];
        }
        column++;
    }
    return report_column_find("cpu_seconds", &r->sort, err);
}

static enum status read_usage(struct sql_cursor *c, struct error *err)
{
    struct report report = { .top = SIZE_MAX, .aggregate = { .by = BY_PROCESS } };
    struct output_options options = capture_options(&c->rows);
    enum status st = usage_columns(c, &report, err);

    report.aggregate.select = &select_everything;
    if (st == STATUS_OK) {
        report_want(&report);
        st = report_read(&report, &c->subject, err);
    }
    if (st == STATUS_OK)
        st = report_print(&report, &c->subject, NULL, &options, err);
    report_release(&report);
    return st;
}

static void usage_value(const struct sql_cursor *c, size_t column, struct sql_value *value)
{
    const struct window *window = &c->subject.window;

    *value = (struct sql_value){ .kind = CAPTURE_INTEGER,
                                 .integer = column == c->table->from_at ? window->from_ns
                                                                        : window->to_ns };
}

/* --- all --- */

static void set_window(struct sql_cursor *c)
{
    const struct sql_filter *f = &c->filter;

    if (f->has_from)
        c->subject.window.from_ns = f->from_ns;
    if (f->has_to)
        c->subject.window.to_ns = f->to_ns;
    c->subject.whole = c->subject.whole && !f->has_from && !f->has_to;
}

enum status sql_cursor_open(struct sql_cursor **cursor, struct sql_recording *recording,
                            const struct sql_table *table, const struct sql_filter *filter,
                            struct error *err)
{
    struct sql_cursor *c = calloc(1, sizeof *c);
    enum status st;

    *cursor = NULL;
    if (c == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", table->name);
    c->recording = recording;
    c->table = table;
    c->filter = *filter;
    c->subject = recording->subject;
    set_window(c);
    if (c->subject.window.from_ns >= c->subject.window.to_ns) {
        c->ended = true;
        st = STATUS_OK;
    } else if (table->kind == SQL_SAMPLES) {
        st = begin_samples(c, err);
    } else {
        st = table->kind == SQL_USAGE ? read_usage(c, err) : read_other(c, err);
        c->ended = c->rows.row_count == 0;
    }
    if (st != STATUS_OK)
        sql_cursor_close(c);
    else
        *cursor = c;
    return st;
}

enum status sql_cursor_next(struct sql_cursor *c, struct error *err)
{
    if (c->table->kind == SQL_SAMPLES)
        return next_sample(c, err);
    c->ended = ++c->row >= c->rows.row_count;
    return STATUS_OK;
}

bool sql_cursor_ended(const struct sql_cursor *c)
{
    return c->ended;
}

static void to_value(const struct capture *capture, const struct capture_cell *cell,
                     struct sql_value *value)
{
    *value = (struct sql_value){ .kind = cell->kind };
    if (cell->kind == CAPTURE_INTEGER)
        value->integer = cell->as.integer;
    else if (cell->kind == CAPTURE_REAL)
        value->real = cell->as.real;
    else if (cell->kind == CAPTURE_TEXT) {
        value->text = (const char *)capture->text.data + cell->as.text_at;
        value->text_size = cell->text_size;
    }
}

bool sql_cursor_value(struct sql_cursor *c, size_t column, struct sql_value *value)
{
    struct capture_cell cell;

    *value = (struct sql_value){ .kind = CAPTURE_NULL };
    if (c->table->kind == SQL_SAMPLES) {
        struct output_column of = sample_column(c, column);
        struct output_cell from = sample_cell(c, column);

        bytes_reset(&c->scratch.text);
        cell = capture_convert(&c->scratch, &of, &from);
        to_value(&c->scratch, &cell, value);
    } else if (c->table->kind == SQL_OTHER) {
        to_value(&c->rows, capture_at(&c->rows, c->row, column), value);
    } else if (column >= c->table->from_at) {
        usage_value(c, column, value);
    } else if (c->place[column] != SIZE_MAX) {
        to_value(&c->rows, capture_at(&c->rows, c->row, c->place[column]), value);
    }
    return !c->scratch.no_memory;
}

void sql_cursor_close(struct sql_cursor *c)
{
    if (c == NULL)
        return;
    if (c->samples.is_open)
        export_block_close(&c->samples.block);
    export_dense_release(&c->samples.dense);
    export_layout_release(&c->samples.layout);
    free(c->samples.e.chosen.place);
    capture_release(&c->rows);
    capture_release(&c->scratch);
    free(c->place);
    free(c);
}
