/* procscope export: one table of a recording, for other programs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/command.h"
#include "analyzer/escape.h"
#include "analyzer/export.h"
#include "analyzer/export_perfetto.h"
#include "analyzer/export_whole.h"
#include "analyzer/progress.h"

struct export_options {
    const char *table, *list, *columns, *missing_reasons;
};

/* What --table named: a samples table at a level, or another table. */
struct choice {
    const struct recording_table *samples;
    unsigned level;
    const struct export_table *other;
};

static const char *const level_suffix[LEVEL_COUNT] = { "", "_60", "_3600" };

static const struct export_table *other_table(size_t index)
{
    size_t processes = COUNT_OF(export_process_tables);

    if (index < processes)
        return &export_process_tables[index];
    index -= processes;
    return index < COUNT_OF(export_catalog_tables) ? &export_catalog_tables[index] : NULL;
}

/* "process_samples_60" is the table "process_samples" and the level of "_60". */
static bool find_samples(const struct recording_contents *c, const char *name,
                         struct choice *choice)
{
    for (size_t t = 0; t < c->table_count; t++) {
        size_t size = strlen(c->tables[t].name);

        if (strncmp(name, c->tables[t].name, size) != 0)
            continue;
        for (unsigned level = 0; level < LEVEL_COUNT; level++)
            if (strcmp(name + size, level_suffix[level]) == 0) {
                *choice = (struct choice){ .samples = &c->tables[t], .level = level };
                return true;
            }
    }
    return false;
}

static enum status find_table(const struct recording_contents *c, const char *name,
                              struct choice *choice, struct error *err)
{
    char shown[120];

    *choice = (struct choice){ 0 };
    if (name == NULL)
        return error_set(err, STATUS_INVALID,
                         "say which table with --table NAME; --list shows them");
    if (find_samples(c, name, choice))
        return STATUS_OK;
    for (size_t i = 0; other_table(i) != NULL; i++)
        if (strcmp(name, other_table(i)->name) == 0) {
            choice->other = other_table(i);
            return STATUS_OK;
        }
    return error_set(err, STATUS_INVALID,
                     "--table %s: the recording has none of that name; --list "
                     "shows them",
                     escape_show(shown, sizeof shown, name));
}

/* Only tables with processes can be asked for some of them. */
static enum status check_select(const struct options *options, const struct choice *choice,
                                const char *name, struct error *err)
{
    bool processes =
        choice->samples != NULL
            ? choice->samples->key[0] == ENTITY_PROCESS || choice->samples->key[1] == ENTITY_PROCESS
            : strncmp(choice->other->name, "process", strlen("process")) == 0;

    if (processes || select_all(&options->select))
        return STATUS_OK;
    return error_set(err, STATUS_INVALID, "--pid, --comm and the like: %s has no processes", name);
}

/* The metrics named in a list, by position. */
static enum status choose_metrics(const struct choice *choice, const char *columns,
                                  uint64_t *metrics, struct error *err)
{
    char name[64], shown[256];

    if (choice->samples == NULL)
        return error_set(err, STATUS_INVALID, "--columns: only for samples tables");
    *metrics = 0;
    for (const char *at = columns;; at++) {
        size_t size = strcspn(at, ","), metric;

        (void)snprintf(name, sizeof name, "%.*s", (int)(size < 60 ? size : 60), at);
        metric = recording_metric(choice->samples, name);
        if (metric == SIZE_MAX)
            return error_set(err, STATUS_INVALID,
                             "--columns %s: %s has no metric of that name; "
                             "procscope export --table metric lists them",
                             escape_show(shown, sizeof shown, name), choice->samples->name);
        *metrics |= UINT64_C(1) << metric;
        at += size;
        if (*at == '\0')
            return STATUS_OK;
    }
}

/* --- list --- */

static const struct output_column list_columns[] = {
    { "table", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    { "row", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

static void put_listed(struct output *output, const char *name, const char *suffix, const char *row)
{
    char whole[300];
    struct output_cell cells[2] = { { .text = whole }, { .text = row, .text_size = strlen(row) } };

    (void)snprintf(whole, sizeof whole, "%.280s%s", name, suffix);
    cells[0].text_size = strlen(whole);
    output_row(output, cells, OUTPUT_NORMAL);
}

static void describe(const struct recording_table *table, unsigned level, char *text, size_t size)
{
    bool process = table->key[0] == ENTITY_PROCESS || table->key[1] == ENTITY_PROCESS;
    const char *what = process                        ? "process"
                       : table->key[0] == ENTITY_NONE ? "host"
                                                      : entity_kind_name(table->key[0]);

    if (level == 0)
        (void)snprintf(text, size, "a %s at a tick: %.200s", what, table->description);
    else
        (void)snprintf(text, size, "a %s in a window of %lld s", what,
                       (long long)level_seconds[level]);
}

static enum status list_tables(const struct export *e, struct error *err)
{
    const struct recording_contents *c = e->subject->contents;
    struct output output;
    char row[300];

    if (output_open(&output, e->file, list_columns, COUNT_OF(list_columns), &e->output, err) !=
        STATUS_OK)
        return err->status;
    for (size_t t = 0; t < c->table_count; t++)
        for (unsigned level = 0; level < LEVEL_COUNT; level++) {
            describe(&c->tables[t], level, row, sizeof row);
            put_listed(&output, c->tables[t].name, level_suffix[level], row);
        }
    for (size_t i = 0; other_table(i) != NULL; i++)
        put_listed(&output, other_table(i)->name, "", other_table(i)->rows);
    return output_close(&output, err);
}

/* --- run --- */

static enum status write_table(struct export *e, const struct choice *choice, struct error *err)
{
    enum status st;

    if (choice->other != NULL)
        st = choice->other->run(e, err);
    else if (choice->level > 0)
        st = export_rollup(e, choice->samples, choice->level, err);
    else
        st = export_samples(e, choice->samples, err);
    if (st == STATUS_OK && e->damaged_count > 0)
        return error_set(err, STATUS_CORRUPT,
                         "%llu rows out of %zu blocks were read; %zu damaged parts were left out, "
                         "the first: %s",
                         (unsigned long long)e->row_count, e->block_count, e->damaged_count,
                         e->damage.message);
    return st;
}

static enum status run_open(const struct options *options, const struct export_options *own,
                            struct subject *subject, struct error *err)
{
    struct export e = { .subject = subject,
                        .select = &options->select,
                        .metrics = UINT64_MAX,
                        .missing_reasons = own->missing_reasons != NULL };
    struct choice choice = { 0 };
    struct sink sink;
    enum status st;

    if (own->list == NULL &&
        (find_table(subject->contents, own->table, &choice, err) != STATUS_OK ||
         check_select(options, &choice, own->table, err) != STATUS_OK))
        return err->status;
    if (own->columns != NULL && choose_metrics(&choice, own->columns, &e.metrics, err) != STATUS_OK)
        return err->status;
    if (e.missing_reasons && (choice.samples == NULL || choice.level > 0))
        return error_set(err, STATUS_INVALID, "--missing-reasons: only for samples tables");
    st = sink_open(&sink, options, subject, err);
    if (st != STATUS_OK)
        return st;
    e.file = sink.file;
    e.output = sink_options(&sink, options, subject);
    st = own->list != NULL ? list_tables(&e, err) : write_table(&e, &choice, err);
    return sink_close(&sink, st, err);
}

/* A trace has counters: of all samples tables, or of one. */
static enum status run_perfetto(const struct options *options, const struct export_options *own,
                                struct subject *subject, const struct choice *choice,
                                struct error *err)
{
    uint64_t metrics = UINT64_MAX;

    if (own->table != NULL && choice->samples == NULL)
        return error_set(err, STATUS_INVALID, "--format perfetto: %s has no metrics", own->table);
    if (own->columns != NULL && own->table == NULL)
        return error_set(err, STATUS_INVALID, "--columns: of which --table?");
    if (own->table != NULL && check_select(options, choice, own->table, err) != STATUS_OK)
        return err->status;
    if (own->columns != NULL && choose_metrics(choice, own->columns, &metrics, err) != STATUS_OK)
        return err->status;
    return export_perfetto(options, subject, choice->samples, metrics, err);
}

static enum status run_whole(const struct options *options, const struct export_options *own,
                             struct subject *subject, struct error *err)
{
    struct choice choice = { 0 };
    bool perfetto = strcmp(options->whole, "perfetto") == 0;

    if (own->list != NULL || (own->columns != NULL && !perfetto) || own->missing_reasons != NULL)
        return error_set(err, STATUS_INVALID,
                         "--format %s goes with --table, a window and -o, and nothing else",
                         options->whole);
    if (own->table != NULL && find_table(subject->contents, own->table, &choice, err) != STATUS_OK)
        return err->status;
    if (choice.level > 0)
        return error_set(err, STATUS_INVALID, "--format %s: not of minutes and hours",
                         options->whole);
    if (!perfetto && options->file_count > 1)
        return error_set(err, STATUS_INVALID, "--format %s: of one recording at a time",
                         options->whole);
    if (perfetto)
        return run_perfetto(options, own, subject, &choice, err);
    return export_whole(options, subject, own->table, err);
}

static enum status export_run(int argc, char **argv, struct error *err)
{
    struct export_options own = { 0 };
    const struct own_option options_own[] = {
        { "--table", true, &own.table },
        { "--list", false, &own.list },
        { "--columns", true, &own.columns },
        { "--missing-reasons", false, &own.missing_reasons },
    };
    struct options options;
    struct subject subject = { 0 };
    enum status st = options_parse(&options, command_export.options, options_own,
                                   COUNT_OF(options_own), argc, argv, err);

    if (st != STATUS_OK)
        return st;
    if (!options.format_given)
        options.format = own.list != NULL ? OUTPUT_TABLE : OUTPUT_CSV;
    if (options.output == NULL && isatty(STDOUT_FILENO) == 1)
        progress_off(); /* rows come all the time */
    st = subject_open(&subject, &options, err);
    if (st == STATUS_OK && options.whole != NULL)
        st = run_whole(&options, &own, &subject, err);
    else if (st == STATUS_OK)
        st = run_open(&options, &own, &subject, err);
    subject_close(&subject);
    return st;
}

const struct command command_export = {
    .name = "export",
    .summary = "write one table of the recording as CSV, JSON or NDJSON",
    .help =
        "usage: procscope export [FILE…] --table NAME [OPTION...]\n"
        "       procscope export [FILE] --list\n"
        "\n"
        "Writes every row of a table with full precision, as CSV unless --format says otherwise.\n"
        "Rows of samples come block by block, in a block process by process, then by time.\n"
        "A missing value is an empty cell in CSV and null in JSON, never 0.\n"
        "\n"
        "  NAME            every value at every tick, as in process_samples\n"
        "  NAME_60         one row per process and minute; time is the minute's start. A minute "
        "in\n"
        "                  which the recorder was started again has a row for each session\n"
        "  NAME_3600       one row per process and hour. Columns METRIC.last, .covered_ns; of\n"
        "                  counters .rate_max (per second) and .rate_max_at_ns (from the start);\n"
        "                  of gauges .min, .max and .sum (of value x ns)\n"
        "  process, process_version, process_lifetime, entity, event, capability, session,\n"
        "  timeline, metric\n"
        "                  who and what the samples are about\n"
        "  process_hour    of what was evicted: sums by hour, comm, user and cgroup\n"
        "\n"
        "A sample is in the window when FROM < time <= TO; a minute or hour when it shares time\n"
        "with it. A process is selected by what it was called at the time of the row.\n"
        "\n"
        "  --table NAME      the table\n"
        "  --list            the tables of this recording, and what a row of each is\n"
        "  --columns A,B,C   of a samples table: these metrics only, after who and when\n"
        "  --missing-reasons columns METRIC__missing that say why a value is missing\n"
        "\n"
        "Three more formats are of all tables, or of that one: sqlite makes a new file of plain "
        "tables,\n"
        "openmetrics writes all metrics with their times, as promtool tsdb create-blocks-from "
        "takes\n"
        "them, perfetto a trace for ui.perfetto.dev: a track a process, with its life as a "
        "slice;\n"
        "counters become rates (time as percent, energy as watts, others per second), drawn from\n"
        "the begin of their interval; where nothing is known, a 0 with the note no_value.\n",
    .run = export_run,
    .options = OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_SELECT | OPTIONS_FORMAT | OPTIONS_OUTPUT |
               OPTIONS_WHOLE,
};
