/* The written-out list of report columns. Names, order and units are a contract: append only. */
#include "analyzer/report_columns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define IDENTITY(name, title, type, human, fact, contract)                                         \
    {                                                                                              \
        { name, type, human, 0 }, title, fact, 0, contract                                         \
    }
#define TEXT(name, title, which, contract)                                                         \
    {                                                                                              \
        { name, OUTPUT_TEXT, HUMAN_PLAIN, 0 }, title, FACT_TEXT, which, contract                   \
    }
#define SECONDS(name, title, fact, measure, contract)                                              \
    {                                                                                              \
        { name, OUTPUT_DECIMAL, HUMAN_SECONDS, -9 }, title, fact, measure, contract                \
    }
/* A rate is in ns per second: 10^7 of them are 1 % of a core. */
#define PERCENT(name, title, type, fact)                                                           \
    {                                                                                              \
        { name, type, HUMAN_PERCENT, -7 }, title, fact, MEASURE_CPU, true                          \
    }
/* Watts and joules from whole microwatts and microjoules. */
#define MICRO(name, title, human, fact)                                                            \
    {                                                                                              \
        { name, OUTPUT_DECIMAL, human, -6 }, title, fact, 0, true                                  \
    }
#define COUNT(name, title, fact, measure)                                                          \
    {                                                                                              \
        { name, OUTPUT_INTEGER, HUMAN_COUNT, 0 }, title, fact, measure, false                      \
    }
#define BYTES(name, title, fact, measure, contract)                                                \
    {                                                                                              \
        { name, OUTPUT_INTEGER, HUMAN_BYTES, 0 }, title, fact, measure, contract                   \
    }

const struct report_column report_columns[] = {
    IDENTITY("process_id", "ID", OUTPUT_INTEGER, HUMAN_PLAIN, FACT_PROCESS_ID, true),
    IDENTITY("pid", "PID", OUTPUT_INTEGER, HUMAN_PLAIN, FACT_PID, true),
    IDENTITY("start_time", "START", OUTPUT_TIME, HUMAN_TIME, FACT_START, true),
    IDENTITY("end_time", "END", OUTPUT_TIME, HUMAN_TIME, FACT_END, true),
    TEXT("user", "USER", PROCESS_USER, true),
    TEXT("comm", "COMM", PROCESS_COMM, true),
    TEXT("cmdline", "CMDLINE", PROCESS_CMDLINE, true),
    TEXT("cgroup", "CGROUP", PROCESS_CGROUP, true),
    TEXT("container", "CONTAINER", PROCESS_CONTAINER, true),
    SECONDS("covered_seconds", "COVERED", FACT_COVERED, MEASURE_CPU, true),
    SECONDS("cpu_seconds", "CPU", FACT_INCREASE, MEASURE_CPU, true),
    PERCENT("cpu_percent_mean", "CPU%", OUTPUT_REAL, FACT_PERCENT_MEAN),
    PERCENT("cpu_percent_p95", "P95%", OUTPUT_DECIMAL, FACT_PERCENT_P95),
    PERCENT("cpu_percent_max", "MAX%", OUTPUT_DECIMAL, FACT_PERCENT_MAX),
    { { "resident_bytes_mean", OUTPUT_REAL, HUMAN_BYTES, 0 },
      "RSS",
      FACT_MEAN,
      MEASURE_RESIDENT,
      true },
    BYTES("resident_bytes_max", "RSS MAX", FACT_MAX, MEASURE_RESIDENT, true),
    BYTES("disk_read_bytes", "READ", FACT_INCREASE, MEASURE_DISK_READ, true),
    BYTES("disk_written_bytes", "WRITTEN", FACT_INCREASE, MEASURE_DISK_WRITTEN, true),
    SECONDS("gpu_seconds", "GPU", FACT_GPU_SECONDS, 0, true),
    { { "gpu_percent_mean", OUTPUT_REAL, HUMAN_PERCENT, 0 },
      "GPU%",
      FACT_GPU_PERCENT_MEAN,
      0,
      true },
    BYTES("gpu_memory_bytes_max", "GPU MEM", FACT_GPU_MEMORY_MAX, 0, true),
    { { "gpu_power_watts_mean", OUTPUT_REAL, HUMAN_WATTS, 0 },
      "GPU POWER",
      FACT_GPU_WATTS_MEAN,
      0,
      true },
    MICRO("gpu_power_watts_p95", "P95 W", HUMAN_WATTS, FACT_GPU_WATTS_P95),
    MICRO("gpu_power_watts_max", "MAX W", HUMAN_WATTS, FACT_GPU_WATTS_MAX),
    MICRO("gpu_energy_joules", "GPU ENERGY", HUMAN_JOULES, FACT_GPU_JOULES),
    { { "cpu_power_watts_mean", OUTPUT_REAL, HUMAN_WATTS, 0 },
      "CPU POWER",
      FACT_CPU_WATTS_MEAN,
      0,
      true },
    MICRO("cpu_energy_joules", "CPU ENERGY", HUMAN_JOULES, FACT_CPU_JOULES),
    IDENTITY("energy_method", "METHOD", OUTPUT_TEXT, HUMAN_PLAIN, FACT_ENERGY_METHOD, true),
    TEXT("exe", "EXE", PROCESS_EXE, false),
    IDENTITY("uid", "UID", OUTPUT_INTEGER, HUMAN_PLAIN, FACT_UID, false),
    IDENTITY("exit_code", "EXIT", OUTPUT_INTEGER, HUMAN_PLAIN, FACT_EXIT_CODE, false),
    { { "processes", OUTPUT_INTEGER, HUMAN_COUNT, 0 }, "PROCS", FACT_PROCESSES, 0, false },
    SECONDS("cpu_user_seconds", "USER CPU", FACT_INCREASE, MEASURE_CPU_USER, false),
    SECONDS("cpu_system_seconds", "SYSTEM CPU", FACT_INCREASE, MEASURE_CPU_SYSTEM, false),
    SECONDS("run_delay_seconds", "DELAY", FACT_INCREASE, MEASURE_RUN_DELAY, false),
    COUNT("context_switches", "SWITCHES", FACT_SWITCHES, MEASURE_SWITCHES_VOLUNTARY),
    COUNT("minor_faults", "MINOR FAULTS", FACT_INCREASE, MEASURE_MINOR_FAULTS),
    COUNT("major_faults", "MAJOR FAULTS", FACT_INCREASE, MEASURE_MAJOR_FAULTS),
    COUNT("threads_max", "THREADS", FACT_MAX, MEASURE_THREADS),
    BYTES("io_read_chars", "READ CHARS", FACT_INCREASE, MEASURE_READ_CHARS, false),
    BYTES("io_written_chars", "WRITTEN CHARS", FACT_INCREASE, MEASURE_WRITTEN_CHARS, false),
    BYTES("swap_bytes_max", "SWAP", FACT_MAX, MEASURE_SWAP, false),
    SECONDS("cpu_seconds_in_gaps", "IN GAPS", FACT_IN_GAPS, MEASURE_CPU, false),
    { { "row", OUTPUT_TEXT, HUMAN_PLAIN, 0 }, "ROW", FACT_ROW, 0, true },
    IDENTITY("unit", "UNIT", OUTPUT_TEXT, HUMAN_PLAIN, FACT_UNIT, false),
    IDENTITY("lineage", "LINEAGE", OUTPUT_TEXT, HUMAN_PLAIN, FACT_LINEAGE, false),
    IDENTITY("container_name", "NAME", OUTPUT_TEXT, HUMAN_PLAIN, FACT_CONTAINER_NAME, false),
    { { "footprint_bytes_mean", OUTPUT_REAL, HUMAN_BYTES, 0 },
      "FOOTPRINT",
      FACT_MEAN,
      MEASURE_FOOTPRINT,
      false },
    BYTES("footprint_bytes_max", "FOOTPRINT MAX", FACT_MAX, MEASURE_FOOTPRINT, false),
    { { "task_energy_joules", OUTPUT_DECIMAL, HUMAN_JOULES, -9 },
      "TASK ENERGY",
      FACT_INCREASE,
      MEASURE_TASK_ENERGY,
      false },
};
const size_t report_column_count = COUNT_OF(report_columns);

enum status report_column_find(const char *name, const struct report_column **column,
                               struct error *err)
{
    char known[400];
    size_t used = 0;

    for (size_t i = 0; i < report_column_count; i++)
        if (strcmp(report_columns[i].output.name, name) == 0) {
            *column = &report_columns[i];
            return STATUS_OK;
        }
    known[0] = '\0';
    for (size_t i = 0; i < report_column_count; i++)
        if (report_columns[i].fact != FACT_NOT_RECORDED && used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, " %s",
                                     report_columns[i].output.name);
    return error_set(err, STATUS_INVALID, "no column %.40s; there are%s …", name, known);
}

/* --- values --- */

static const struct output_cell missing = { .missing = true };

static struct output_cell number(int64_t value)
{
    return (struct output_cell){ .integer = value };
}

/* A total in exported units; as large as fits. */
static struct output_cell scaled(int64_t value, int64_t scale)
{
    int64_t product;

    return number(__builtin_mul_overflow(value, scale, &product) ? INT64_MAX : product);
}

static struct output_cell text_cell(const struct text *text)
{
    if (text->data == NULL)
        return missing;
    return (struct output_cell){ .text = text->data, .text_size = text->size };
}

static struct output_cell version_text(const struct recording *recording, const struct version *v,
                                       enum process_text which, char digits[16])
{
    struct text text = v->text[which];
    int size;

    if (which == PROCESS_USER && text.data == NULL && v->uid_known)
        text = recording_user(recording, v->uid);
    if (which != PROCESS_USER || text.data != NULL || !v->uid_known)
        return text_cell(&text);
    size = snprintf(digits, 16, "%u", v->uid);
    return (struct output_cell){ .text = digits, .text_size = (size_t)size };
}

/* Of a version, or what is made of it. */
static struct output_cell name_cell(const struct report_column *column, const struct aggregate *a,
                                    const struct group *g, const struct version *v, char digits[16])
{
    const struct group_names *names = g->own;
    struct text name;

    if (v == NULL)
        return missing;
    if (report_column_names(column))
        return names == NULL
                   ? missing
                   : text_cell(column->fact == FACT_UNIT ? &names->unit : &names->lineage);
    if (column->fact != FACT_CONTAINER_NAME)
        return version_text(a->block.recording, v, (enum process_text)column->which, digits);
    name = recording_container(a->block.recording, v->text[PROCESS_CONTAINER]);
    return text_cell(&name);
}

/* Of one process, as it was called at its last sample in the window. */
static struct output_cell process_cell(const struct report_column *column,
                                       const struct aggregate *a, const struct group *g,
                                       char digits[16])
{
    const struct process *p = g->process;
    const struct version *v = process_version_at(p, g->last_ns);

    switch (column->fact) {
    case FACT_PROCESS_ID:
        return number(p->process_id);
    case FACT_PID:
        return number(p->pid);
    case FACT_START:
        return number(p->start_ns);
    case FACT_END:
        return p->end_ns == NO_TIME ? missing : number(p->end_ns);
    case FACT_EXIT_CODE:
        return p->exit_code < 0 ? missing : number(p->exit_code);
    case FACT_UID:
        return v == NULL || !v->uid_known ? missing : number(v->uid);
    default:
        return name_cell(column, a, g, v, digits);
    }
}

bool report_column_key(const struct report_column *column, enum group_by by)
{
    static const struct {
        enum fact fact;
        enum process_text which;
    } key[BY_COUNT] = { [BY_PROCESS] = { FACT_ROW, 0 },
                        [BY_COMM] = { FACT_TEXT, PROCESS_COMM },
                        [BY_EXE] = { FACT_TEXT, PROCESS_EXE },
                        [BY_USER] = { FACT_TEXT, PROCESS_USER },
                        [BY_CGROUP] = { FACT_TEXT, PROCESS_CGROUP },
                        [BY_CONTAINER] = { FACT_TEXT, PROCESS_CONTAINER },
                        [BY_UNIT] = { FACT_UNIT, 0 },
                        [BY_LINEAGE] = { FACT_LINEAGE, 0 } };

    return by != BY_PROCESS && column->fact == key[by].fact && column->which == key[by].which;
}

static struct output_cell identity_cell(const struct report_column *column,
                                        const struct aggregate *a, const struct group *g,
                                        char digits[16])
{
    struct text name;

    if (a->by == BY_PROCESS)
        return process_cell(column, a, g, digits);
    if (report_column_key(column, a->by))
        return text_cell(&g->key);
    if (a->by != BY_CONTAINER || column->fact != FACT_CONTAINER_NAME)
        return missing;
    name = recording_container(a->block.recording, g->key);
    return text_cell(&name);
}

static struct output_cell switches_cell(const struct aggregate *a, uint32_t group)
{
    const struct total *one = aggregate_total(a, group, MEASURE_SWITCHES_VOLUNTARY);
    const struct total *two = aggregate_total(a, group, MEASURE_SWITCHES_INVOLUNTARY);

    return one->timed || two->timed ? number(one->increase + two->increase) : missing;
}

static struct output_cell mean_cell(int128 sum, int64_t scale, int64_t time_ns)
{
    if (time_ns == 0)
        return missing;
    return (struct output_cell){ .real = (double)sum * (double)scale / (double)time_ns };
}

static struct output_cell figure_cell(const struct report_column *column, const struct aggregate *a,
                                      uint32_t group)
{
    const struct total *t = aggregate_total(a, group, (enum measure)column->which);
    enum group_coarse coarse = a->groups.group[group].coarse;
    struct distribution *rates = &a->groups.group[group].rates;
    int64_t scale = a->scale[column->which];

    if (a->late != NULL && (column->fact == FACT_PERCENT_P95 || column->fact == FACT_IN_GAPS)) {
        t = aggregate_total(a->late, a->groups.group[group].late, MEASURE_CPU);
        rates = &a->late->groups.group[a->groups.group[group].late].rates;
    }
    /* What only evicted samples could tell. */
    if (coarse != COARSE_NOT &&
        (column->fact == FACT_PERCENT_P95 || column->fact == FACT_IN_GAPS ||
         (coarse == COARSE_SUMS && column->fact != FACT_INCREASE && column->fact != FACT_SWITCHES)))
        return missing;
    switch (column->fact) {
    case FACT_COVERED:
        return number(t->covered_ns);
    case FACT_INCREASE:
        return t->timed ? scaled(t->increase, scale) : missing;
    case FACT_SWITCHES:
        return switches_cell(a, group);
    case FACT_IN_GAPS:
        return t->present ? scaled(t->in_gaps, scale) : missing;
    case FACT_PERCENT_MEAN:
        return mean_cell((int128)t->increase * 100, scale, t->covered_ns);
    case FACT_PERCENT_P95:
        return t->timed ? scaled(distribution_p95(rates), scale) : missing;
    case FACT_PERCENT_MAX:
        return t->timed ? scaled(t->max, scale) : missing;
    case FACT_MEAN:
        return mean_cell(t->sum, scale, t->weight_ns);
    case FACT_MAX:
        return t->present ? scaled(t->max, scale) : missing;
    default:
        return missing;
    }
}

/* GPU time is kept in millionths of a nanosecond. */
static int64_t gpu_ns(const struct energy_total *t)
{
    int128 ns = t->gpu_ppmns / 1000000;

    return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

/* Where no package is metered, what the kernel charges to each process; NULL: it is not known. */
static const struct total *task_energy(const struct aggregate *a, uint32_t group)
{
    const struct total *t;

    if (a->slot[MEASURE_TASK_ENERGY] == SIZE_MAX ||
        (a->package != NULL && a->package->rails.count > 0))
        return NULL;
    t = aggregate_total(a, group, MEASURE_TASK_ENERGY);
    return t->timed ? t : NULL;
}

bool report_column_by_task(const struct report_column *column, const struct aggregate *a,
                           uint32_t group)
{
    return (column->fact == FACT_CPU_WATTS_MEAN || column->fact == FACT_CPU_JOULES) &&
           task_energy(a, group) != NULL;
}

/* A nanojoule in a nanosecond is a watt. */
static struct output_cell task_energy_cell(const struct report_column *column,
                                           const struct aggregate *a, uint32_t group)
{
    const struct total *t = task_energy(a, group);
    int64_t scale = a->scale[MEASURE_TASK_ENERGY];
    enum { NJ_PER_UJ = 1000 };

    if (t == NULL)
        return missing;
    if (column->fact == FACT_CPU_JOULES)
        return number(scaled(t->increase, scale).integer / NJ_PER_UJ);
    return a->groups.group[group].coarse == COARSE_SUMS
               ? missing
               : mean_cell((int128)t->increase, scale,
                           aggregate_total(a, group, MEASURE_CPU)->covered_ns);
}

static struct output_cell method_cell(const struct aggregate *a, uint32_t group,
                                      const struct energy_total *gpu,
                                      const struct energy_total *cpu)
{
    const char *method =
        attribution_method((gpu == NULL ? 0 : gpu->methods) | (cpu == NULL ? 0 : cpu->methods) |
                           (task_energy(a, group) == NULL ? 0 : METHOD_TASK_COUNTER));

    return method[0] == '\0' ? missing
                             : (struct output_cell){ .text = method, .text_size = strlen(method) };
}

static struct output_cell rail_cell(enum fact fact, struct energy_total *t)
{
    if (t == NULL || t->methods == 0)
        return missing;
    switch (fact) {
    case FACT_GPU_WATTS_MEAN:
    case FACT_CPU_WATTS_MEAN:
        return mean_cell((int128)t->uj * 1000, 1, t->covered_ns);
    case FACT_GPU_WATTS_P95:
        return number(distribution_p95(&t->watts));
    case FACT_GPU_WATTS_MAX:
        return number(t->max_uw);
    default:
        return number(t->uj);
    }
}

static struct output_cell energy_cell(const struct report_column *column, const struct aggregate *a,
                                      uint32_t group)
{
    struct energy_total *gpu = a->gpu == NULL ? NULL : attribution_total(a->gpu, group);
    struct energy_total *cpu = a->package == NULL ? NULL : attribution_total(a->package, group);

    if (column->fact == FACT_ENERGY_METHOD)
        return method_cell(a, group, gpu, cpu);
    if (report_column_by_task(column, a, group))
        return task_energy_cell(column, a, group);
    if (column->fact == FACT_CPU_WATTS_MEAN || column->fact == FACT_CPU_JOULES)
        return rail_cell(column->fact, cpu);
    if (gpu == NULL)
        return missing;
    if (column->fact == FACT_GPU_MEMORY_MAX)
        return gpu->remembers ? number(gpu->memory_max) : missing;
    if (column->fact == FACT_GPU_SECONDS)
        return gpu->gpu_covered_ns > 0 ? number(gpu_ns(gpu)) : missing;
    if (column->fact == FACT_GPU_PERCENT_MEAN)
        return mean_cell((int128)gpu_ns(gpu) * 100, 1, gpu->gpu_covered_ns);
    return rail_cell(column->fact, gpu);
}

struct output_cell report_column_cell(const struct report_column *column, const struct aggregate *a,
                                      uint32_t group, char digits[16])
{
    const struct group *g = &a->groups.group[group];
    const char *row = a->by == BY_PROCESS ? "process" : "group";

    if (report_column_measured(column))
        return figure_cell(column, a, group);
    if (report_column_identity(column))
        return identity_cell(column, a, g, digits);
    if (report_column_energy(column))
        return energy_cell(column, a, group);
    if (column->fact == FACT_PROCESSES)
        return number((int64_t)g->process_count);
    if (column->fact == FACT_ROW)
        return (struct output_cell){ .text = row, .text_size = strlen(row) };
    return missing;
}

double report_column_number(const struct report_column *column, const struct aggregate *a,
                            uint32_t group)
{
    char digits[16];
    struct output_cell cell = { .missing = true };

    if (group != 0)
        cell = report_column_cell(column, a, group, digits);
    if (cell.missing)
        return NAN;
    return column->output.type == OUTPUT_REAL ? cell.real
           : column->output.type == OUTPUT_DECIMAL
               ? (double)cell.integer * pow(10, column->output.exponent)
               : (double)cell.integer;
}
