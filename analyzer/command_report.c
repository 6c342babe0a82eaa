/* procscope report: who used what in a window, and what nobody can be charged with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/cell.h"
#include "analyzer/command.h"
#include "analyzer/report_ask.h"

static const char help[] =
    "usage: procscope report [FILE…] [WINDOW] [SELECT] [OPTION…]\n\n"
    "Prints one row per process (or per name that they share) over the window, by default sorted\n"
    "by CPU time; below them what the others used, what was idle, and what no process can be\n"
    "charged with, so that the rows add up to all cores; then how far the figures can be trusted.\n"
    "\n"
    "  --by GROUP        process (default), comm, exe, user, cgroup, container, unit or lineage;\n"
    "                    a unit is systemd's or a pod, a lineage is a service with its restarts;\n"
    "                    gpu: one row per GPU\n"
    "  --columns A,B,C   these columns only; --columns help lists all\n"
    "  --sort COLUMN     largest first (texts: A first); -COLUMN largest, +COLUMN smallest first\n"
    "  --top N           the first N rows (a table: 20); 0 for all\n"
    "  --no-remainder    without the rows for others, idle, not attributed and the total\n"
    "  --no-rollups      read every sample, also where sums of minutes and hours say the same\n"
    "  --idle-watts W    a GPU's power when idle (default: what 1 % of its time was at or below)\n"
    "  --cpu-idle-watts W  the same of a CPU package\n"
    "  --explain-cell ROW:COLUMN  how one figure comes about: the samples that it is made of, "
    "such\n"
    "                    that the sum can be redone by hand; ROW is a pid, comm or process_id=N,\n"
    "                    of groups and GPUs their name, or row=N\n";

enum { TABLE_TOP = 20 };

/* The words of the command line. */
struct words {
    struct options options;
    const char *by, *columns, *sort, *top, *no_remainder, *no_rollups, *idle_watts, *cpu_idle_watts,
        *explain;
    struct cell cell;
};

/* A program must be able to tell a process from what is left. */
static enum status named_columns(struct report *r, const struct words *words, struct error *err)
{
    if (report_name_columns(r, words->columns, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < r->column_count; i++)
        if (r->column[i]->fact == FACT_ROW)
            return STATUS_OK;
    return words->options.format == OUTPUT_TABLE ? STATUS_OK : report_add_column(r, "row", err);
}

/* The contract's columns; of groups also the one that names them, and how many they are. */
static enum status machine_defaults(struct report *r, struct error *err)
{
    bool groups = r->aggregate.by != BY_PROCESS;
    enum status st = STATUS_OK;

    for (size_t i = 0; i < report_column_count && st == STATUS_OK; i++) {
        const struct report_column *c = &report_columns[i];

        if (c->contract || (groups && c->fact == FACT_PROCESSES) ||
            (r->aggregate.by == BY_CONTAINER && c->fact == FACT_CONTAINER_NAME) ||
            report_column_key(c, r->aggregate.by))
            st = report_add_column(r, c->output.name, err);
    }
    return st;
}

static enum status gpu_columns(struct report *r, const char *names, bool table, struct error *err)
{
    char name[64];

    r->devices = true;
    r->gpu.want_energy = true;
    r->titles = names == NULL && table;
    for (size_t i = 0; names == NULL && i < report_gpu_column_count; i++)
        if (!table || report_gpu_titles[i] != NULL)
            r->gpu_column[r->column_count++] = i;
    while (names != NULL && r->column_count < REPORT_COLUMNS_MAX) {
        size_t size = strcspn(names, ",");

        (void)snprintf(name, sizeof name, "%.*s", (int)(size < 60 ? size : 60), names);
        if (report_gpu_find(name, &r->gpu_column[r->column_count++], err) != STATUS_OK)
            return err->status;
        names = names[size] == '\0' ? NULL : names + size + 1;
    }
    return STATUS_OK;
}

static enum status parse_watts(const char *option, const char *text, struct attribution *a,
                               struct error *err)
{
    char *end = NULL;
    double watts = text == NULL ? 0 : strtod(text, &end);

    if (text == NULL)
        return STATUS_OK;
    if (end == text || *end != '\0' || !(watts >= 0 && watts <= 1e6))
        return error_set(err, STATUS_INVALID, "%s %.40s: not a number of watts", option, text);
    a->idle_given = true;
    a->idle_uw = (int64_t)(watts * 1e6 + 0.5);
    return STATUS_OK;
}

static enum status parse_explain(struct report *r, struct words *words, struct error *err)
{
    if (cell_parse(&words->cell, words->explain, r->devices, err) != STATUS_OK)
        return err->status;
    r->gpu.want_energy |= r->devices;
    return report_add_column(r, words->cell.column->output.name, err);
}

static enum status parse(struct report *r, struct words *words, int argc, char **argv,
                         struct error *err)
{
    const struct own_option own[] = { { "--by", true, &words->by },
                                      { "--columns", true, &words->columns },
                                      { "--sort", true, &words->sort },
                                      { "--top", true, &words->top },
                                      { "--no-remainder", false, &words->no_remainder },
                                      { "--no-rollups", false, &words->no_rollups },
                                      { "--idle-watts", true, &words->idle_watts },
                                      { "--cpu-idle-watts", true, &words->cpu_idle_watts },
                                      { "--explain-cell", true, &words->explain } };

    if (options_parse(&words->options,
                      OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_SELECT | OPTIONS_FORMAT |
                          OPTIONS_OUTPUT,
                      own, COUNT_OF(own), argc, argv, err) != STATUS_OK ||
        report_parse_by(r, words->by, err) != STATUS_OK ||
        report_parse_sort(r, words->sort, err) != STATUS_OK ||
        report_parse_top(r, words->top, words->options.format == OUTPUT_TABLE ? TABLE_TOP : 0,
                         err) != STATUS_OK ||
        parse_watts("--idle-watts", words->idle_watts, &r->gpu, err) != STATUS_OK ||
        parse_watts("--cpu-idle-watts", words->cpu_idle_watts, &r->package, err) != STATUS_OK)
        return err->status;
    r->remainder = words->no_remainder == NULL;
    r->samples = words->no_rollups != NULL;
    r->aggregate.select = &words->options.select;
    if (words->columns != NULL && strcmp(words->columns, "help") == 0)
        return STATUS_OK;
    if (words->explain != NULL)
        return parse_explain(r, words, err);
    if (r->devices)
        return gpu_columns(r, words->columns, words->options.format == OUTPUT_TABLE, err);
    if (words->columns != NULL)
        return named_columns(r, words, err);
    return words->options.format == OUTPUT_TABLE ? report_table_columns(r, err)
                                                 : machine_defaults(r, err);
}

static enum status print(struct report *r, const struct words *words, const struct subject *subject,
                         struct error *err)
{
    struct output_options options;
    struct sink sink;
    enum status st = sink_open(&sink, &words->options, subject, err);

    if (st != STATUS_OK)
        return st;
    options = sink_options(&sink, &words->options, subject);
    if (words->explain != NULL)
        st = cell_explain(r, &words->cell, subject, sink.file, &options, err);
    else
        st = report_print(r, subject, sink.file, &options, err);
    return sink_close(&sink, st, err);
}

static enum status list_columns(void)
{
    for (size_t i = 0; i < report_column_count; i++)
        if (report_columns[i].fact != FACT_NOT_RECORDED)
            (void)printf("%s\n", report_columns[i].output.name);
    return STATUS_OK;
}

/* The command line once more, for who reads the answer without it. */
static void quote_question(char *text, size_t size, int argc, char **argv)
{
    size_t used = (size_t)snprintf(text, size, "procscope report");

    for (int i = 1; i < argc && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " %s", argv[i]);
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct words words = { .by = NULL };
    struct subject subject = { 0 };
    struct report report = { .column_count = 0 };
    char asked[2000];
    enum status st = parse(&report, &words, argc, argv, err);

    if (st == STATUS_OK && report.column_count == 0)
        return list_columns();
    if (st == STATUS_OK)
        st = subject_open(&subject, &words.options, err);
    if (st == STATUS_OK)
        st = report_add_gpu_columns(&report, &subject, err);
    quote_question(asked, sizeof asked, argc, argv);
    words.cell.asked = asked;
    if (st == STATUS_OK && words.explain == NULL) {
        report_want(&report);
        st = report_read(&report, &subject, err);
    }
    if (st == STATUS_OK)
        st = print(&report, &words, &subject, err);
    report_release(&report);
    subject_close(&subject);
    return st;
}

const struct command command_report = { "report", "who used what in a window", help, run,
                                        OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_SELECT |
                                            OPTIONS_FORMAT | OPTIONS_OUTPUT };
