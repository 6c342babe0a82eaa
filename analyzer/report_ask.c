#include "analyzer/report_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const report_group_names[BY_COUNT] = { "process", "comm",      "exe",  "user",
                                                   "cgroup",  "container", "unit", "lineage" };

enum status report_add_column(struct report *r, const char *name, struct error *err)
{
    const struct report_column *column;

    if (report_column_find(name, &column, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < r->column_count; i++)
        if (r->column[i] == column)
            return error_set(err, STATUS_INVALID, "column %s is named twice", name);
    r->column[r->column_count++] = column;
    return STATUS_OK;
}

enum status report_name_columns(struct report *r, const char *list, struct error *err)
{
    const char *at = list;
    char name[64];

    for (;;) {
        size_t size = strcspn(at, ",");

        (void)snprintf(name, sizeof name, "%.*s", (int)(size < 60 ? size : 60), at);
        if (report_add_column(r, name, err) != STATUS_OK)
            return err->status;
        if (at[size] == '\0')
            break;
        at += size + 1;
    }
    return STATUS_OK;
}

enum status report_parse_by(struct report *r, const char *by, struct error *err)
{
    if (by != NULL && strcmp(by, "gpu") == 0) {
        r->devices = true;
        return STATUS_OK;
    }
    for (size_t i = 0; i < COUNT_OF(report_group_names); i++)
        if (by == NULL || strcmp(by, report_group_names[i]) == 0) {
            r->aggregate.by = (enum group_by)i;
            return STATUS_OK;
        }
    return error_set(err, STATUS_INVALID,
                     "--by %.40s: it is process, comm, exe, user, cgroup, container, unit, "
                     "lineage or gpu",
                     by);
}

enum status report_parse_sort(struct report *r, const char *sort, struct error *err)
{
    const char *name = sort == NULL ? "cpu_seconds" : sort;
    char sign = name[0];

    if (sign == '+' || sign == '-')
        name++;
    if (report_column_find(name, &r->sort, err) != STATUS_OK)
        return error_prefix(err, "--sort");
    r->ascending = sign == '+' || (sign != '-' && r->sort->output.type == OUTPUT_TEXT);
    return STATUS_OK;
}

enum status report_parse_top(struct report *r, const char *top, size_t usual, struct error *err)
{
    unsigned long rows = usual;
    char *end = NULL;

    if (top != NULL) {
        errno = 0;
        rows = strtoul(top, &end, 10);
        if (*top < '0' || *top > '9' || *end != '\0' || errno != 0)
            return error_set(err, STATUS_INVALID, "--top %.40s: not a number of rows", top);
    }
    r->top = rows == 0 ? SIZE_MAX : rows;
    return STATUS_OK;
}

/* --- what people are shown --- */

static const char *const table_columns[] = {
    "pid",
    "user",
    "comm",
    "cpu_seconds",
    "cpu_percent_mean",
    "cpu_percent_p95",
    "cpu_percent_max",
    "resident_bytes_mean",
    "resident_bytes_max",
    "disk_read_bytes",
    "disk_written_bytes",
    "cmdline",
};

enum { TABLE_FIRST_FIGURE = 3 };

enum status report_table_columns(struct report *r, struct error *err)
{
    bool groups = r->aggregate.by != BY_PROCESS;
    enum status st = STATUS_OK;

    r->titles = true;
    if (groups)
        st = report_add_column(r, report_group_names[r->aggregate.by], err);
    if (r->aggregate.by == BY_CONTAINER && st == STATUS_OK)
        st = report_add_column(r, "container_name", err);
    if (groups && st == STATUS_OK)
        st = report_add_column(r, "processes", err);
    for (size_t i = groups ? TABLE_FIRST_FIGURE : 0;
         i < COUNT_OF(table_columns) - (groups ? 1 : 0) && st == STATUS_OK; i++)
        st = report_add_column(r, table_columns[i], err);
    return st;
}

enum status report_add_gpu_columns(struct report *r, const struct subject *subject,
                                   struct error *err)
{
    bool groups = r->aggregate.by != BY_PROCESS;
    const struct report_column *last = NULL;

    if (!r->titles || r->devices || !attribution_possible(&attribution_gpu, subject->contents))
        return STATUS_OK;
    if (!groups)
        last = r->column[--r->column_count];
    if (report_add_column(r, "gpu_power_watts_mean", err) != STATUS_OK ||
        report_add_column(r, "gpu_energy_joules", err) != STATUS_OK)
        return err->status;
    if (last != NULL)
        r->column[r->column_count++] = last;
    return STATUS_OK;
}
