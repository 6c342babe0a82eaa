/* procscope timeline: what happened in each step of a window. */
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/escape.h"
#include "analyzer/timeline_print.h"

static const char help[] =
    "usage: procscope timeline [FILE…] [WINDOW] [SELECT] [OPTION…]\n"
    "\n"
    "Prints a row for each step of the window: of all processes that are selected, of each of "
    "them,\n"
    "or of any other table. Steps begin at multiples of their length on the recorded host's "
    "clock;\n"
    "the first and the last may be shorter. A sample is in the step that its tick lies in, and "
    "stands\n"
    "for the time since the one before; so the steps of a window add up to what report says of "
    "it.\n"
    "covered_seconds tells of how much that is; where nothing was sampled there are no figures.\n"
    "What a counter gained across a gap is in columns that end in _in_gaps, and in no other.\n"
    "\n"
    "  --step DURATION   how long a step is (60 of them or less make a window)\n"
    "  --by GROUP        total, entity, process, comm, exe, user, cgroup, container, unit or\n"
    "                    lineage (total of process_samples, else entity)\n"
    "  --table NAME      the samples table (process_samples); procscope export lists them\n"
    "  --columns A,B,C   these columns only, a metric's name for all that tell of it; --columns "
    "help "
    "lists all\n";

/* The words of the command line. */
struct words {
    struct options options;
    const char *step, *by, *table, *columns;
};

static enum status find_table(struct timeline *t, const struct subject *subject,
                              const struct words *words, struct error *err)
{
    const char *name = words->table == NULL ? "process_samples" : words->table;
    char shown[120];

    t->table = recording_table(subject->recording, name);
    if (t->table == NULL)
        return error_set(err, STATUS_INVALID,
                         "--table %s: the recording has no samples of that name; "
                         "procscope export --list shows them",
                         escape_show(shown, sizeof shown, name));
    t->select = &words->options.select;
    if (select_all(t->select) || t->table->key[0] == ENTITY_PROCESS ||
        t->table->key[1] == ENTITY_PROCESS)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID, "--pid, --comm and --user: %s has no processes",
                     t->table->name);
}

/* What rows are of; `process` and `entity` are both each series of the table. */
static enum status parse_by(struct timeline *t, const char *by, struct error *err)
{
    static const struct {
        const char *word;
        enum timeline_by by;
        enum group_by name;
        bool of_processes;
    } words[] = {
        { "total", TIMELINE_TOTAL, BY_PROCESS, false },
        { "entity", TIMELINE_SERIES, BY_PROCESS, false },
        { "process", TIMELINE_SERIES, BY_PROCESS, true },
        { "comm", TIMELINE_NAME, BY_COMM, true },
        { "exe", TIMELINE_NAME, BY_EXE, true },
        { "user", TIMELINE_NAME, BY_USER, true },
        { "cgroup", TIMELINE_NAME, BY_CGROUP, true },
        { "container", TIMELINE_NAME, BY_CONTAINER, true },
        { "unit", TIMELINE_NAME, BY_UNIT, true },
        { "lineage", TIMELINE_NAME, BY_LINEAGE, true },
    };
    bool processes = t->table->key[0] == ENTITY_PROCESS || t->table->key[1] == ENTITY_PROCESS;

    if (by == NULL)
        by = strcmp(t->table->name, "process_samples") == 0 ? "total" : "entity";
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(by, words[i].word) != 0)
            continue;
        t->by = words[i].by;
        t->name = words[i].name;
        if (words[i].of_processes && !processes)
            return error_set(err, STATUS_INVALID, "--by %s: %s has no processes", by,
                             t->table->name);
        return STATUS_OK;
    }
    return error_set(
        err, STATUS_INVALID,
        "--by %.40s: it is total, entity, process, comm, exe, user, cgroup, container, "
        "unit or lineage",
        by);
}

/* Of a whole recording, the part whose samples are there. */
static enum status cut(struct timeline *t, struct subject *subject, const struct words *words,
                       struct error *err)
{
    const struct zone *zone = words->options.utc ? NULL : &subject->zone;
    int64_t step_ns;

    if (subject->whole && subject->first_ns > INT64_MIN)
        subject->window.from_ns = subject->first_ns - 1;
    if (words->step == NULL)
        step_ns = timeline_step(&subject->window);
    else if (duration_parse(words->step, &step_ns, err) != STATUS_OK)
        return error_prefix(err, "--step");
    if (step_ns <= 0)
        return error_set(err, STATUS_INVALID, "--step %.40s: no time passes in it", words->step);
    return timeline_buckets_cut(&t->buckets, &subject->window, step_ns, zone, err);
}

static enum status print(struct timeline *t, const struct timeline_columns *columns,
                         const struct words *words, const struct subject *subject,
                         struct error *err)
{
    struct output_options options;
    struct sink sink;
    enum status st = sink_open(&sink, &words->options, subject, err);

    if (st != STATUS_OK)
        return st;
    options = sink_options(&sink, &words->options, subject);
    st = timeline_print(t, columns, subject, sink.file, &options, err);
    return sink_close(&sink, st, err);
}

static void list_columns(const struct timeline_columns *columns)
{
    for (size_t i = 0; i < columns->layout.count; i++)
        if (columns->column[i].figure != TIMELINE_HIDDEN)
            (void)printf("%s\n", columns->layout.column[i].name);
}

static enum status choose_columns(const struct timeline *t, struct timeline_columns *columns,
                                  const struct subject *subject, const struct words *words,
                                  struct error *err)
{
    bool people = words->options.format == OUTPUT_TABLE;
    uint64_t known = UINT64_MAX;

    if (words->columns != NULL)
        return timeline_columns_named(columns, words->columns, err);
    if (people && timeline_known(t, subject, &known, err) != STATUS_OK)
        return err->status;
    timeline_columns_default(columns, people, known);
    return STATUS_OK;
}

static enum status run_open(struct timeline *t, struct timeline_columns *columns,
                            struct subject *subject, const struct words *words, struct error *err)
{
    if (find_table(t, subject, words, err) != STATUS_OK ||
        parse_by(t, words->by, err) != STATUS_OK ||
        timeline_columns_init(columns, t, err) != STATUS_OK)
        return err->status;
    if (words->columns != NULL && strcmp(words->columns, "help") == 0) {
        list_columns(columns);
        return STATUS_OK;
    }
    if (choose_columns(t, columns, subject, words, err) != STATUS_OK)
        return err->status;
    timeline_columns_want(columns, t);
    if (cut(t, subject, words, err) != STATUS_OK)
        return err->status;
    return print(t, columns, words, subject, err);
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct words words = { .step = NULL };
    const struct own_option own[] = { { "--step", true, &words.step },
                                      { "--by", true, &words.by },
                                      { "--table", true, &words.table },
                                      { "--columns", true, &words.columns } };
    struct subject subject = { 0 };
    static struct timeline t;
    static struct timeline_columns columns;
    enum status st = options_parse(&words.options, command_timeline.options, own, COUNT_OF(own),
                                   argc, argv, err);

    if (st == STATUS_OK)
        st = subject_open(&subject, &words.options, err);
    if (st == STATUS_OK)
        st = run_open(&t, &columns, &subject, &words, err);
    timeline_release(&t);
    timeline_columns_release(&columns);
    subject_close(&subject);
    return st;
}

const struct command command_timeline = { "timeline", "what happened in each step of a window",
                                          help, run,
                                          OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_SELECT |
                                              OPTIONS_FORMAT | OPTIONS_OUTPUT };
