/*
 * The report of the window, of all processes; and whose rows the page shows: the first by each of some figures.
 * All others are rows by comm.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/page.h"
#include "analyzer/report_ask.h"

static const struct importance {
    const char *column;
    size_t rows;
} importances[] = {
    { "cpu_seconds", 500 },     { "cpu_percent_max", 100 },    { "resident_bytes_max", 150 },
    { "disk_read_bytes", 100 }, { "disk_written_bytes", 100 }, { "gpu_energy_joules", 100 },
};

/* What is told of a process that is looked at, besides its row. */
static const char *const details[] = {
    "process_id",
    "start_time",
    "end_time",
    "exit_code",
    "exe",
    "cgroup",
    "container",
    "unit",
    "covered_seconds",
    "threads_max",
    "run_delay_seconds",
    "major_faults",
    "row",
};

static enum status ask(struct page *page, struct error *err)
{
    struct report *r = &page->report;

    r->remainder = true;
    r->aggregate.select = &page->everyone;
    if (report_parse_by(r, NULL, err) != STATUS_OK ||
        report_parse_sort(r, NULL, err) != STATUS_OK ||
        report_parse_top(r, "0", 0, err) != STATUS_OK ||
        report_table_columns(r, err) != STATUS_OK ||
        report_add_gpu_columns(r, page->subject, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < COUNT_OF(details); i++)
        if (report_add_column(r, details[i], err) != STATUS_OK)
            return err->status;
    report_want(r);
    if (page_energy_begin(page, err) != STATUS_OK)
        return err->status;
    return report_read(r, page->subject, err);
}

/* Mark the groups that are among the first by a figure, unless that is nothing. */
static enum status mark(struct page *page, const struct importance *by, uint8_t marked[],
                        struct error *err)
{
    struct report *r = &page->report;
    bool wanted = false;

    for (size_t i = 0; i < r->column_count; i++)
        wanted |= strcmp(r->column[i]->output.name, by->column) == 0;
    if (!wanted)
        return STATUS_OK;
    if (report_parse_sort(r, by->column, err) != STATUS_OK)
        return err->status;
    r->top = by->rows;
    if (report_rank(r, page->subject, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < r->top && i < r->ranked_count; i++) {
        const struct output_cell *key = &r->ranked[i].key;

        if (!key->missing && (key->integer > 0 || key->real > 0))
            marked[r->ranked[i].group] = 1;
    }
    return STATUS_OK;
}

/* Rows of processes, most CPU time first. Where there are few processes all are shown. */
static enum status take_rows(struct page *page, const uint8_t marked[], struct error *err)
{
    struct report *r = &page->report;
    struct page_rows *rows = &page->rows;
    bool all = r->ranked_count <= importances[0].rows;

    r->top = SIZE_MAX;
    if (report_parse_sort(r, NULL, err) != STATUS_OK ||
        report_rank(r, page->subject, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < r->ranked_count; i++)
        rows->process_count += all || marked[r->ranked[i].group];
    rows->row = calloc(rows->process_count + PAGE_COMMS_MOST + 1, sizeof *rows->row);
    rows->group_count = r->aggregate.groups.count;
    rows->of_group = calloc(rows->group_count, sizeof *rows->of_group);
    if (rows->row == NULL || rows->of_group == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu rows", rows->process_count);
    for (size_t i = 0; i < r->ranked_count; i++) {
        if (!all && !marked[r->ranked[i].group])
            continue;
        rows->row[rows->count].group = r->ranked[i].group;
        rows->of_group[r->ranked[i].group] = (uint32_t)++rows->count;
    }
    return STATUS_OK;
}

enum status page_choose(struct page *page, struct error *err)
{
    uint8_t *marked = NULL;
    enum status st = ask(page, err);

    if (st != STATUS_OK)
        return st;
    marked = calloc(page->report.aggregate.groups.count, 1);
    if (marked == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rows");
    for (size_t i = 0; i < COUNT_OF(importances) && st == STATUS_OK; i++)
        st = mark(page, &importances[i], marked, err);
    if (st == STATUS_OK)
        st = take_rows(page, marked, err);
    free(marked);
    return st;
}
