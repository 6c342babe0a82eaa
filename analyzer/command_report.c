/* procscope report: who used what in a window, and how much nobody can be charged for. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate.h"
#include "analyzer/command.h"
#include "analyzer/options.h"
#include "analyzer/report.h"
#include "analyzer/trust.h"

static const char help[] =
    "usage: procscope report [FILE] [WINDOW] [SELECT] [OPTION…]\n\n"
    "Prints one row per process (or per comm, exe, user) over the window, sorted by CPU time, then\n"
    "what the other processes used, what was idle, and what no process can be charged with.\n\n"
    "  --by GROUP        process (default), comm, exe or user\n"
    "  --columns A,B,C   these columns; --columns help lists all\n"
    "  --sort COLUMN     by this column, largest first; +COLUMN: smallest first\n"
    "  --top N           the first N rows (a table: 20, 0 for all)\n"
    "  --no-remainder    leave out the rows for others, idle, not attributed and the total\n"
    "  --from TIME       begin of the window      --to TIME         its end\n"
    "  --last DURATION   the last 15m, 2h, 1d     --at TIME --span DURATION   around a time\n"
    "  --utc             times without an offset are UTC, not the recorded host's\n"
    "  --pid N  --comm NAME  --user NAME|UID      only these; each may be repeated, * at an end\n"
    "  --format FORMAT   table, csv, json, ndjson --csv-safe: disarm spreadsheet formulas\n"
    "  -o FILE           write there\n\n"
    "TIME: 2026-11-20T14:03:05Z, \"2026-11-20 14:03\" or 14:03 on the recorded host's clock, -15m\n"
    "before the end, @1795255618 since 1970.\n";

struct report {
    struct options options;
    const char *by, *columns, *sort, *top, *no_remainder;
    struct aggregate aggregate;
    struct subject subject;
    const struct report_column *column[64];
    size_t column_count;
    const struct report_column *sort_column;
    bool ascending;
    size_t limit; /* rows */
    size_t shown;
};

static const char *const table_columns[] = {
    "pid",     "user",    "comm",           "cpu_seconds",         "cpu_percent_mean",
    "cpu_percent_p95",    "cpu_percent_max", "resident_bytes_mean", "resident_bytes_max",
    "disk_read_bytes",    "disk_written_bytes", "cmdline",
};
static const char *const group_columns[] = {
    "processes",       "cpu_seconds",         "cpu_percent_mean",   "cpu_percent_p95",
    "cpu_percent_max", "resident_bytes_mean", "resident_bytes_max", "disk_read_bytes",
    "disk_written_bytes",
};

static enum status add_column(struct report *r, const char *name, struct error *err)
{
    const struct report_column *column = report_column(name);

    if (column == NULL)
        return error_set(err, STATUS_INVALID, "no column %.60s; --columns help lists all", name);
    if (r->column_count == COUNT_OF(r->column))
        return error_set(err, STATUS_INVALID, "more than %zu columns", COUNT_OF(r->column));
    r->column[r->column_count++] = column;
    return STATUS_OK;
}

static enum status named_columns(struct report *r, struct error *err)
{
    char name[64];

    for (const char *p = r->columns; *p != '\0';) {
        size_t size = strcspn(p, ",");

        if (size >= sizeof name)
            return error_set(err, STATUS_INVALID, "no column %.60s", p);
        memcpy(name, p, size);
        name[size] = '\0';
        if (add_column(r, name, err) != STATUS_OK)
            return err->status;
        p += size + (p[size] == ',');
    }
    if (r->column_count == 0)
        return error_set(err, STATUS_INVALID, "--columns names none");
    /* A program must be able to tell a process from a remainder. */
    for (size_t i = 0; i < r->column_count; i++)
        if (r->column[i]->statistic == STAT_ROW)
            return STATUS_OK;
    if (r->options.format == OUTPUT_TABLE || r->no_remainder != NULL)
        return STATUS_OK;
    return add_column(r, "row", err);
}

static enum status default_columns(struct report *r, struct error *err)
{
    static const char *const key[] = { "comm", "comm", "exe", "user" };
    bool group = r->aggregate.by != BY_PROCESS;
    const char *const *names = group ? group_columns : table_columns;
    size_t count = group ? COUNT_OF(group_columns) : COUNT_OF(table_columns);
    enum status st = STATUS_OK;

    if (r->options.format != OUTPUT_TABLE) {
        for (size_t i = 0; i < report_column_count && st == STATUS_OK; i++)
            if (report_columns[i].contract ||
                (group && strcmp(report_columns[i].output.name, key[r->aggregate.by]) == 0))
                st = add_column(r, report_columns[i].output.name, err);
        return st;
    }
    if (group)
        st = add_column(r, key[r->aggregate.by], err);
    for (size_t i = 0; i < count && st == STATUS_OK; i++)
        st = add_column(r, names[i], err);
    return st;
}

static enum status parse_by(struct report *r, struct error *err)
{
    static const char *const names[] = { "process", "comm", "exe", "user" };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (r->by == NULL || strcmp(r->by, names[i]) == 0) {
            r->aggregate.by = (enum group_by)i;
            return STATUS_OK;
        }
    return error_set(err, STATUS_INVALID, "--by %.40s: process, comm, exe or user", r->by);
}

static enum status parse_order(struct report *r, struct error *err)
{
    const char *name = r->sort == NULL ? "cpu_seconds" : r->sort;
    char *end = NULL;

    r->ascending = name[0] == '+';
    if (name[0] == '+' || name[0] == '-')
        name++;
    r->sort_column = report_column(name);
    if (r->sort_column == NULL)
        return error_set(err, STATUS_INVALID, "--sort %.60s: no such column", name);
    r->limit = r->options.format == OUTPUT_TABLE ? 20 : 0;
    if (r->top != NULL) {
        r->limit = strtoul(r->top, &end, 10);
        if (*r->top < '0' || *r->top > '9' || *end != '\0')
            return error_set(err, STATUS_INVALID, "--top %.40s: not a number", r->top);
    }
    if (r->limit == 0)
        r->limit = SIZE_MAX;
    return STATUS_OK;
}

static enum status parse(struct report *r, int argc, char **argv, struct error *err)
{
    const struct own_option own[] = { { "--by", true, &r->by },
                                      { "--columns", true, &r->columns },
                                      { "--sort", true, &r->sort },
                                      { "--top", true, &r->top },
                                      { "--no-remainder", false, &r->no_remainder } };

    if (options_parse(&r->options,
                      OPTIONS_WINDOW | OPTIONS_SELECT | OPTIONS_FORMAT | OPTIONS_OUTPUT, own,
                      COUNT_OF(own), argc, argv, err) != STATUS_OK ||
        parse_by(r, err) != STATUS_OK || parse_order(r, err) != STATUS_OK)
        return err->status;
    return r->columns == NULL ? default_columns(r, err) : named_columns(r, err);
}

static void want_columns(struct report *r)
{
    r->aggregate.select = r->options.select;
    for (size_t i = 0; i <= r->column_count; i++) {
        const struct report_column *c = i < r->column_count ? r->column[i] : r->sort_column;

        if (c->statistic == STAT_TEXT || c->statistic == STAT_NOT_RECORDED ||
            c->statistic == STAT_ROW || c->statistic == STAT_PROCESSES)
            continue;
        r->aggregate.want[c->measure] = true;
        r->aggregate.want_percentiles |= c->statistic == STAT_PERCENT_P95;
    }
}

/* --- order --- */

struct sorted {
    struct group *group;
    struct output_cell key;
    enum output_type type;
    bool ascending;
};

static int compare_cells(const struct output_cell *x, const struct output_cell *y,
                         enum output_type type)
{
    size_t size;
    int order;

    if (type == OUTPUT_REAL)
        return x->real < y->real ? -1 : x->real > y->real;
    if (type != OUTPUT_TEXT)
        return x->integer < y->integer ? -1 : x->integer > y->integer;
    size = x->text_size < y->text_size ? x->text_size : y->text_size;
    order = size == 0 ? 0 : memcmp(x->text, y->text, size);
    return order != 0 ? order : (x->text_size > y->text_size) - (x->text_size < y->text_size);
}

static int by_key(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int order;

    if (x->key.missing != y->key.missing)
        return x->key.missing ? 1 : -1; /* what is not known comes last, either way */
    order = x->key.missing ? 0 : compare_cells(&x->key, &y->key, x->type);
    if (order != 0)
        return x->ascending ? order : -order;
    if (x->group->process_id != y->group->process_id)
        return x->group->process_id < y->group->process_id ? -1 : 1;
    order = x->group->key.size == 0 || y->group->key.size == 0
                ? 0
                : memcmp(x->group->key.data, y->group->key.data,
                         x->group->key.size < y->group->key.size ? x->group->key.size
                                                                 : y->group->key.size);
    return order != 0 ? order : (x->group->key.size > y->group->key.size) -
                                    (x->group->key.size < y->group->key.size);
}

static struct sorted *sort_groups(struct report *r)
{
    struct aggregate *a = &r->aggregate;
    struct sorted *list = calloc(a->group_count + 1, sizeof *list);
    char text[32];

    for (size_t i = 0; list != NULL && i < a->group_count; i++) {
        list[i] = (struct sorted){ .group = &a->groups[i], .type = r->sort_column->output.type,
                                   .ascending = r->ascending };
        list[i].key = report_cell(r->sort_column, a, &a->groups[i], text);
        if (list[i].key.text == text)
            list[i].key.missing = true; /* a bare uid: sorted last */
    }
    if (list != NULL)
        qsort(list, a->group_count, sizeof *list, by_key);
    return list;
}

/* --- rows --- */

/* A row that is no group: its name, its CPU time in us. */
static void special_row(struct report *r, struct output *out, const char *row, const char *label,
                        bool known, int64_t cpu_us, size_t processes)
{
    struct output_cell cells[COUNT_OF(r->column)];
    bool labelled = false;

    for (size_t i = 0; i < r->column_count; i++) {
        const struct report_column *c = r->column[i];
        bool names = strcmp(c->output.name, "comm") == 0 ||
                     (r->aggregate.by != BY_PROCESS && c->output.type == OUTPUT_TEXT &&
                      c->statistic == STAT_TEXT);

        cells[i] = (struct output_cell){ .missing = true };
        if (c->statistic == STAT_ROW)
            cells[i] = (struct output_cell){ .text = row, .text_size = strlen(row) };
        else if (names && !labelled)
            cells[i] = (struct output_cell){ .text = label, .text_size = strlen(label) };
        else if (c->statistic == STAT_SECONDS && c->measure == MEASURE_CPU && known)
            cells[i] = (struct output_cell){ .integer = cpu_us * 1000 };
        else if (c->statistic == STAT_PROCESSES && processes > 0)
            cells[i] = (struct output_cell){ .integer = (int64_t)processes };
        labelled |= names;
    }
    output_row(out, cells, OUTPUT_DIM);
}

static void remainder_rows(struct report *r, struct output *out, int64_t shown_us,
                           size_t processes)
{
    const struct aggregate *a = &r->aggregate;
    const struct host_total *host = &a->host;
    int64_t scale = a->scale[MEASURE_CPU] == 0 ? 1000 : a->scale[MEASURE_CPU];
    int64_t all_us = a->all_cpu * scale / 1000;
    char label[80];

    special_row(r, out, "others", "[other processes]", true, all_us - shown_us, processes);
    (void)snprintf(label, sizeof label, "[not attributed, basis %s]",
                   host->exact ? "cpuacct" : "core ticks");
    special_row(r, out, "not_attributed", label, host->known, host->busy_us - all_us, 0);
    if (host->steal_us > 0)
        special_row(r, out, "stolen", "[stolen by the hypervisor]", host->known, host->steal_us,
                    0);
    special_row(r, out, "idle", "[idle]", host->known, host->idle_us, 0);
    (void)snprintf(label, sizeof label, "[total of %lld cores]", (long long)host->cores);
    special_row(r, out, "total", label, host->known, host->total_us, 0);
}

static enum status print_rows(struct report *r, struct output *out, struct error *err)
{
    struct aggregate *a = &r->aggregate;
    int64_t scale = a->scale[MEASURE_CPU];
    int64_t shown_us = 0;
    size_t rest = 0;
    struct sorted *list = sort_groups(r);

    if (list == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rows");
    for (size_t i = 0; i < a->group_count && !output_broken(out); i++) {
        struct output_cell cells[COUNT_OF(r->column)];
        char text[COUNT_OF(r->column)][32];

        if (i >= r->limit) {
            rest += list[i].group->process_count;
            continue;
        }
        for (size_t c = 0; c < r->column_count; c++)
            cells[c] = report_cell(r->column[c], a, list[i].group, text[c]);
        output_row(out, cells, OUTPUT_NORMAL);
        shown_us += list[i].group->total[MEASURE_CPU].increase * scale / 1000;
        r->shown++;
    }
    free(list);
    if (r->no_remainder == NULL)
        remainder_rows(r, out, shown_us, rest);
    return STATUS_OK;
}

static enum status print(struct report *r, struct error *err)
{
    struct output_column columns[COUNT_OF(r->column)];
    struct output_options options;
    struct output out = { 0 };
    struct sink sink;
    enum status st = sink_open(&sink, &r->options, &r->subject, err);

    if (st != STATUS_OK)
        return st;
    for (size_t c = 0; c < r->column_count; c++) {
        columns[c] = r->column[c]->output;
        if (r->options.format == OUTPUT_TABLE && r->column[c]->title != NULL)
            columns[c].name = r->column[c]->title;
    }
    options = sink_options(&sink, &r->options, &r->subject);
    st = output_open(&out, sink.file, columns, r->column_count, &options, err);
    if (st == STATUS_OK) {
        st = print_rows(r, &out, err);
        trust_notes(&out, &r->subject, &r->aggregate);
    }
    if (st == STATUS_OK)
        st = output_close(&out, err);
    return sink_close(&sink, st, err);
}

static enum status list_columns(void)
{
    for (size_t i = 0; i < report_column_count; i++)
        (void)printf("%s\n", report_columns[i].output.name);
    return STATUS_OK;
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct report *r = calloc(1, sizeof *r);
    enum status st;

    if (r == NULL)
        return error_set(err, STATUS_NO_MEMORY, "report");
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--columns") == 0 && strcmp(argv[i + 1], "help") == 0) {
            free(r);
            return list_columns();
        }
    st = parse(r, argc, argv, err);
    if (st == STATUS_OK)
        st = subject_open(&r->subject, &r->options, err);
    if (st == STATUS_OK) {
        want_columns(r);
        st = aggregate_run(&r->aggregate, &r->subject, err);
    }
    if (st == STATUS_OK)
        st = print(r, err);
    aggregate_release(&r->aggregate);
    subject_close(&r->subject);
    free(r);
    return st;
}

const struct command command_report = { "report", "who used what in a window", help, run, 0 };
