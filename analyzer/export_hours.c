/*
 * Usage by name as rows: one per hour, comm, user and cgroup, of what was evicted. Per metric
 *
 *   METRIC.increase, METRIC.rate_max (of one process)     counters
 *   METRIC.max (of one process), METRIC.sum (value x ns)  gauges
 *   METRIC.covered_ns (of all processes together)         both
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/export_part.h"

static const struct output_column key_columns[] = {
    EXPORT_TEXT("detail"), EXPORT_TEXT("lives"),  EXPORT_INTEGER("uid"),       EXPORT_TEXT("user"),
    EXPORT_TEXT("comm"),   EXPORT_TEXT("cgroup"), EXPORT_INTEGER("processes"),
};

struct hour_rows {
    struct export *e;
    struct export_layout layout;
    struct output output;
    struct output_cell *cell;
    char (*digits)[EXPORT_DIGITS]; /* [column] */
    struct usage usage;
};

static struct output_cell word(const char *text)
{
    return (struct output_cell){ .text = text, .text_size = strlen(text) };
}

static struct output_cell *put_text(const struct text *text, struct output_cell *cell)
{
    *cell = (struct output_cell){ .missing = text->data == NULL,
                                  .text = text->data,
                                  .text_size = text->size };
    return cell + 1;
}

static struct output_cell *put_key(const struct usage_row *row, enum usage_detail detail,
                                   struct output_cell *cell)
{
    static const char *const details[] = { "whole", "thinned", "bare" };
    const struct usage_key *key = &row->key;

    *cell++ = word(details[detail]);
    *cell++ = word((key->flags & USAGE_ALL_LIVES) != 0   ? "all"
                   : (key->flags & USAGE_LIFETIMES) != 0 ? "one block"
                                                         : "longer");
    *cell++ = (struct output_cell){ .missing = !key->uid_known, .integer = key->uid };
    cell = put_text(&key->user, cell);
    cell = put_text(&key->comm, cell);
    cell = put_text(&key->cgroup, cell);
    *cell++ = (struct output_cell){ .integer = row->process_count };
    return cell;
}

static struct output_cell *put_sum(const struct export_metric *metric, const struct usage_sum *sum,
                                   bool whole, char (*digits)[EXPORT_DIGITS],
                                   struct output_cell *cell)
{
    bool counter = metric->metric->kind == METRIC_COUNTER;
    int128 scaled;

    for (int i = 0; i < 3; i++)
        cell[i] = (struct output_cell){ .missing = true };
    if (sum->covered_ns == 0)
        return cell + 3;
    cell[2] = (struct output_cell){ .integer = sum->covered_ns };
    if (counter) {
        export_value(metric, sum->increase, digits[0], &cell[0]);
        if (whole)
            export_value(metric, sum->rate_max, digits[1], &cell[1]);
        return cell + 3;
    }
    export_value(metric, sum->max, digits[0], &cell[0]);
    cell[1] = (struct output_cell){ .text = digits[1] };
    cell[1].missing = __builtin_mul_overflow(sum->sum, (int128)metric->metric->scale, &scaled);
    if (!cell[1].missing)
        cell[1].text_size = (size_t)(export_put_int128(digits[1], scaled) - digits[1]);
    return cell + 3;
}

static bool wanted(const struct export *e, const struct usage_key *key)
{
    static const struct process nobody = { .pid = -1 };
    struct version version = { .uid_known = key->uid_known, .uid = key->uid };

    version.text[PROCESS_COMM] = key->comm;
    version.text[PROCESS_USER] = key->user;
    version.text[PROCESS_CGROUP] = key->cgroup;
    return select_all(e->select) ||
           select_match(e->select, e->subject->recording, &nobody, &version);
}

static void put_hour(struct hour_rows *r, const struct recording_usage *hour)
{
    for (size_t i = 0; i < r->usage.count; i++) {
        struct output_cell *cell = r->cell + r->layout.metric_at;

        if (!wanted(r->e, &r->usage.row[i].key))
            continue;
        r->cell[0].integer = r->cell[1].integer = hour->start_ns;
        cell = put_key(&r->usage.row[i], hour->detail, cell);
        for (size_t m = 0; m < r->layout.table->metric_count; m++)
            if (r->layout.table->metrics[m].kind != METRIC_STATE)
                cell = put_sum(&r->layout.metric[m], &usage_sums(&r->usage, i)[m],
                               hour->detail == USAGE_WHOLE, r->digits + (cell - r->cell), cell);
        output_row(&r->output, r->cell, OUTPUT_NORMAL);
        r->e->row_count++;
    }
}

static enum status walk(struct hour_rows *r, struct error *err)
{
    const struct window *window = &r->e->subject->window;
    struct recording_usage *list = NULL;
    size_t count = 0;
    enum status st = recording_usages(r->e->subject->recording, false, &list, &count, err);

    usage_init(&r->usage, &r->layout.table->shape[0]);
    for (size_t i = 0; i < count && st == STATUS_OK && !output_broken(&r->output); i++) {
        int64_t end_ns = list[i].start_ns + INT64_C(3600) * 1000000000;

        if (!r->e->subject->whole &&
            (list[i].start_ns >= window->to_ns || end_ns <= window->from_ns))
            continue;
        st = recording_usage(r->e->subject->recording, &list[i], &r->usage, err);
        if (st == STATUS_OK)
            put_hour(r, &list[i]);
        else
            st = export_damage(r->e, st, err);
    }
    usage_release(&r->usage);
    free(list);
    return st;
}

/* After time and time_ns, which a layout begins with. */
static enum status add_columns(struct hour_rows *r, struct error *err)
{
    struct export_layout *layout = &r->layout;

    while (layout->count > 2)
        free(layout->name[--layout->count]);
    layout->metric_at = layout->count;
    for (size_t i = 0; i < COUNT_OF(key_columns); i++)
        if (export_layout_add(layout, key_columns[i].name, "", key_columns[i].type,
                              key_columns[i].human, 0, err) != STATUS_OK)
            return err->status;
    for (size_t m = 0; m < layout->table->metric_count; m++) {
        const struct recording_metric *metric = &layout->table->metrics[m];
        bool counter = metric->kind == METRIC_COUNTER;

        if (metric->kind == METRIC_STATE)
            continue;
        if (export_layout_metric(layout, m, counter ? ".increase" : ".max", err) != STATUS_OK ||
            (counter ? export_layout_metric(layout, m, ".rate_max", err)
                     : export_layout_add(layout, metric->name, ".sum", OUTPUT_TEXT, HUMAN_PLAIN, 0,
                                         err)) != STATUS_OK ||
            export_layout_add(layout, metric->name, ".covered_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0,
                              err) != STATUS_OK)
            return err->status;
    }
    r->cell = calloc(layout->count + 1, sizeof *r->cell);
    r->digits = calloc(layout->count + 1, sizeof *r->digits);
    return r->cell == NULL || r->digits == NULL ? error_set(err, STATUS_NO_MEMORY, "process_hour")
                                                : STATUS_OK;
}

enum status export_process_hour(struct export *e, struct error *err)
{
    const struct recording_table *table =
        recording_table(e->subject->recording, samples_tables[TABLE_PROCESS].name);
    struct hour_rows r = { .e = e };
    struct error closing;
    enum status st;

    if (table == NULL)
        return error_set(err, STATUS_ABSENT, "the recording has no processes");
    st = export_layout_init(&r.layout, table, err);
    if (st == STATUS_OK)
        st = add_columns(&r, err);
    if (st == STATUS_OK)
        st = output_open(&r.output, e->file, r.layout.column, r.layout.count, &e->output, err);
    if (st == STATUS_OK)
        st = walk(&r, err);
    if (r.output.writer != NULL && output_close(&r.output, &closing) != STATUS_OK) {
        *err = closing;
        st = closing.status;
    }
    free(r.cell);
    free(r.digits);
    export_layout_release(&r.layout);
    return st;
}
