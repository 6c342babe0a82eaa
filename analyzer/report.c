/* The written-out list of report columns. Names, order and units are a contract: append only. */
#include "analyzer/report.h"

#include <stdio.h>
#include <string.h>

#define TEXT_COLUMN(name, title) { { name, OUTPUT_TEXT, HUMAN_PLAIN, 0 }, title, STAT_TEXT, 0, true }
#define ABSENT_COLUMN(name, type)                                                                  \
    { { name, type, HUMAN_PLAIN, 0 }, NULL, STAT_NOT_RECORDED, 0, true }
#define COUNT_COLUMN(name, title, measure)                                                         \
    { { name, OUTPUT_INTEGER, HUMAN_COUNT, 0 }, title, STAT_INCREASE, measure, false }
#define BYTES_COLUMN(name, title, stat, measure, contract)                                         \
    { { name, OUTPUT_INTEGER, HUMAN_BYTES, 0 }, title, stat, measure, contract }
#define SECONDS_COLUMN(name, title, stat, measure, contract)                                       \
    { { name, OUTPUT_DECIMAL, HUMAN_SECONDS, -9 }, title, stat, measure, contract }

// clang-format off
const struct report_column report_columns[] = {
    { { "process_id", OUTPUT_INTEGER, HUMAN_PLAIN, 0 }, "ID", STAT_TEXT, 0, true },
    { { "pid", OUTPUT_INTEGER, HUMAN_PLAIN, 0 }, "PID", STAT_TEXT, 0, true },
    { { "start_time", OUTPUT_TIME, HUMAN_TIME, 0 }, "START", STAT_TEXT, 0, true },
    { { "end_time", OUTPUT_TIME, HUMAN_TIME, 0 }, "END", STAT_TEXT, 0, true },
    TEXT_COLUMN("user", "USER"),
    TEXT_COLUMN("comm", "COMM"),
    TEXT_COLUMN("cmdline", "CMDLINE"),
    TEXT_COLUMN("cgroup", "CGROUP"),
    TEXT_COLUMN("container", "CONTAINER"),
    SECONDS_COLUMN("covered_seconds", "COVERED", STAT_COVERED, MEASURE_CPU, true),
    SECONDS_COLUMN("cpu_seconds", "CPU", STAT_SECONDS, MEASURE_CPU, true),
    { { "cpu_percent_mean", OUTPUT_REAL, HUMAN_PERCENT, 0 }, "CPU%", STAT_PERCENT_MEAN,
      MEASURE_CPU, true },
    { { "cpu_percent_p95", OUTPUT_DECIMAL, HUMAN_PERCENT, -7 }, "P95%", STAT_PERCENT_P95,
      MEASURE_CPU, true },
    { { "cpu_percent_max", OUTPUT_DECIMAL, HUMAN_PERCENT, -7 }, "MAX%", STAT_PERCENT_MAX,
      MEASURE_CPU, true },
    { { "resident_bytes_mean", OUTPUT_REAL, HUMAN_BYTES, 0 }, "RSS", STAT_MEAN, MEASURE_RESIDENT,
      true },
    BYTES_COLUMN("resident_bytes_max", "RSS MAX", STAT_MAX, MEASURE_RESIDENT, true),
    BYTES_COLUMN("disk_read_bytes", "READ", STAT_INCREASE, MEASURE_DISK_READ, true),
    BYTES_COLUMN("disk_written_bytes", "WRITTEN", STAT_INCREASE, MEASURE_DISK_WRITTEN, true),
    ABSENT_COLUMN("gpu_seconds", OUTPUT_REAL),
    ABSENT_COLUMN("gpu_percent_mean", OUTPUT_REAL),
    ABSENT_COLUMN("gpu_memory_bytes_max", OUTPUT_INTEGER),
    ABSENT_COLUMN("gpu_power_watts_mean", OUTPUT_REAL),
    ABSENT_COLUMN("gpu_power_watts_p95", OUTPUT_REAL),
    ABSENT_COLUMN("gpu_power_watts_max", OUTPUT_REAL),
    ABSENT_COLUMN("gpu_energy_joules", OUTPUT_REAL),
    ABSENT_COLUMN("cpu_power_watts_mean", OUTPUT_REAL),
    ABSENT_COLUMN("cpu_energy_joules", OUTPUT_REAL),
    ABSENT_COLUMN("energy_method", OUTPUT_TEXT),
    { { "exe", OUTPUT_TEXT, HUMAN_PLAIN, 0 }, "EXE", STAT_TEXT, 0, false },
    { { "uid", OUTPUT_INTEGER, HUMAN_PLAIN, 0 }, "UID", STAT_TEXT, 0, false },
    { { "exit_code", OUTPUT_INTEGER, HUMAN_PLAIN, 0 }, "EXIT", STAT_TEXT, 0, false },
    { { "processes", OUTPUT_INTEGER, HUMAN_COUNT, 0 }, "PROCS", STAT_PROCESSES, 0, false },
    SECONDS_COLUMN("cpu_user_seconds", "USER CPU", STAT_SECONDS, MEASURE_CPU_USER, false),
    SECONDS_COLUMN("cpu_system_seconds", "SYSTEM CPU", STAT_SECONDS, MEASURE_CPU_SYSTEM, false),
    SECONDS_COLUMN("run_delay_seconds", "DELAY", STAT_SECONDS, MEASURE_RUN_DELAY, false),
    COUNT_COLUMN("context_switches_voluntary", "VOL", MEASURE_SWITCHES_VOLUNTARY),
    COUNT_COLUMN("context_switches_involuntary", "INVOL", MEASURE_SWITCHES_INVOLUNTARY),
    COUNT_COLUMN("minor_faults", "MINFLT", MEASURE_MINOR_FAULTS),
    COUNT_COLUMN("major_faults", "MAJFLT", MEASURE_MAJOR_FAULTS),
    { { "threads_max", OUTPUT_INTEGER, HUMAN_COUNT, 0 }, "THREADS", STAT_MAX, MEASURE_THREADS,
      false },
    BYTES_COLUMN("io_read_chars", "READ CHARS", STAT_INCREASE, MEASURE_READ_CHARS, false),
    BYTES_COLUMN("io_written_chars", "WRITE CHARS", STAT_INCREASE, MEASURE_WRITTEN_CHARS, false),
    BYTES_COLUMN("swap_bytes_max", "SWAP", STAT_MAX, MEASURE_SWAP, false),
    SECONDS_COLUMN("cpu_seconds_in_gaps", "IN GAPS", STAT_IN_GAPS, MEASURE_CPU, false),
    { { "row", OUTPUT_TEXT, HUMAN_PLAIN, 0 }, "ROW", STAT_ROW, 0, true },
};
// clang-format on
const size_t report_column_count = COUNT_OF(report_columns);

const struct report_column *report_column(const char *name)
{
    for (size_t i = 0; i < report_column_count; i++)
        if (strcmp(report_columns[i].output.name, name) == 0)
            return &report_columns[i];
    return NULL;
}

static struct output_cell text_cell(const struct text *text)
{
    if (text->data == NULL)
        return (struct output_cell){ .missing = true };
    return (struct output_cell){ .text = text->data, .text_size = text->size };
}

static struct output_cell user_cell(const struct aggregate *a, const struct version *v,
                                    char text[32])
{
    struct text user = v->text[PROCESS_USER];

    if (user.data == NULL && v->uid_known)
        user = recording_user(a->recording, v->uid);
    if (user.data != NULL || !v->uid_known)
        return text_cell(&user);
    return (struct output_cell){ .text = text,
                                 .text_size = (size_t)snprintf(text, 32, "%u", v->uid) };
}

/* What is said of one process; a group of several has it only where it is their key. */
static struct output_cell process_cell(const char *name, const struct aggregate *a,
                                       const struct group *g, char text[32])
{
    const struct process *p = g->process;
    const struct version *v = g->version;
    const struct {
        const char *name;
        enum process_text which;
    } texts[] = { { "comm", PROCESS_COMM },     { "cmdline", PROCESS_CMDLINE },
                  { "cgroup", PROCESS_CGROUP }, { "container", PROCESS_CONTAINER },
                  { "exe", PROCESS_EXE } };

    for (size_t i = 0; v != NULL && i < COUNT_OF(texts); i++)
        if (strcmp(name, texts[i].name) == 0)
            return text_cell(&v->text[texts[i].which]);
    if (v != NULL && strcmp(name, "user") == 0)
        return user_cell(a, v, text);
    if (v != NULL && v->uid_known && strcmp(name, "uid") == 0)
        return (struct output_cell){ .integer = v->uid };
    if (strcmp(name, "process_id") == 0)
        return (struct output_cell){ .integer = p->process_id };
    if (strcmp(name, "pid") == 0)
        return (struct output_cell){ .integer = p->pid };
    if (strcmp(name, "start_time") == 0)
        return (struct output_cell){ .integer = p->start_ns };
    if (strcmp(name, "end_time") == 0)
        return (struct output_cell){ .integer = p->end_ns, .missing = p->end_ns == NO_TIME };
    if (strcmp(name, "exit_code") == 0)
        return (struct output_cell){ .integer = p->exit_code, .missing = p->exit_code < 0 };
    return (struct output_cell){ .missing = true };
}

static struct output_cell identity_cell(const char *name, const struct aggregate *a,
                                        const struct group *g, char text[32])
{
    static const char *const key_names[] = { "", "comm", "exe", "user" };

    if (a->by == BY_PROCESS)
        return process_cell(name, a, g, text);
    if (strcmp(name, key_names[a->by]) == 0)
        return text_cell(&g->key);
    return (struct output_cell){ .missing = true };
}

static struct output_cell mean_cell(const struct total *t, int64_t scale)
{
    if (t->covered_ns == 0)
        return (struct output_cell){ .missing = true };
    return (struct output_cell){ .real = (double)t->sum / (double)t->covered_ns * (double)scale };
}

static struct output_cell percent_mean(const struct total *t, int64_t scale)
{
    if (t->covered_ns == 0)
        return (struct output_cell){ .missing = true };
    return (struct output_cell){ .real = 100.0 * (double)t->increase * (double)scale /
                                         (double)t->covered_ns };
}

struct output_cell report_cell(const struct report_column *column, const struct aggregate *a,
                               struct group *group, char text[32])
{
    const struct total *t = &group->total[column->measure];
    int64_t scale = a->scale[column->measure];
    const char *row = a->by == BY_PROCESS ? "process" : "group";

    switch (column->statistic) {
    case STAT_TEXT:
        return identity_cell(column->output.name, a, group, text);
    case STAT_COVERED:
        return (struct output_cell){ .integer = t->covered_ns };
    case STAT_SECONDS:
    case STAT_INCREASE:
        return (struct output_cell){ .integer = t->increase * scale, .missing = !t->known };
    case STAT_PERCENT_MEAN:
        return percent_mean(t, scale);
    case STAT_PERCENT_P95:
        return (struct output_cell){ .integer = group_percentile(group, 95) * scale,
                                     .missing = t->covered_ns == 0 };
    case STAT_PERCENT_MAX:
        return (struct output_cell){ .integer = t->rate_max * scale,
                                     .missing = t->covered_ns == 0 };
    case STAT_IN_GAPS:
        return (struct output_cell){ .integer = t->in_gaps * scale };
    case STAT_MEAN:
        return mean_cell(t, scale);
    case STAT_MAX:
        return (struct output_cell){ .integer = t->max * scale, .missing = !t->present };
    case STAT_PROCESSES:
        return (struct output_cell){ .integer = (int64_t)group->process_count };
    case STAT_ROW:
        return (struct output_cell){ .text = row, .text_size = strlen(row) };
    case STAT_NOT_RECORDED:
        break;
    }
    return (struct output_cell){ .missing = true };
}
