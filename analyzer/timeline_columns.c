/* Names, units and values of columns. What `report` has, too, is called alike. */
#include "analyzer/timeline_columns.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/escape.h"

/* A counter of a unit as its increase and its rate are called. */
static const struct naming {
    const char *unit, *ending; /* of the metric, before "_total" */
    const char *increase, *rate;
    int exponent, rate_exponent;
    enum output_human human, rate_human;
    int rate_scale; /* of a mean rate, once it is per second */
} namings[] = {
    { "ns", "_ns", "_seconds", "_percent", -9, -7, HUMAN_SECONDS, HUMAN_PERCENT, 100 },
    { "us", "_us", "_seconds", "_percent", -6, -4, HUMAN_SECONDS, HUMAN_PERCENT, 100 },
    { "uj", "_uj", "_joules", "_watts", -6, -6, HUMAN_COUNT, HUMAN_COUNT, 1 },
    { "nj", "_nj", "_joules", "_watts", -9, -9, HUMAN_COUNT, HUMAN_COUNT, 1 },
    { "bytes", "", "", "_per_second", 0, 0, HUMAN_BYTES, HUMAN_BYTES, 1 },
    { "", "", "", "_per_second", 0, 0, HUMAN_COUNT, HUMAN_COUNT, 1 }, /* any other */
};

static const struct naming *naming_of(const struct recording_metric *metric)
{
    size_t i = 0;

    while (i + 1 < COUNT_OF(namings) && strcmp(metric->unit, namings[i].unit) != 0)
        i++;
    return &namings[i];
}

static size_t without(const char *text, size_t size, const char *ending)
{
    size_t end = strlen(ending);

    return size > end && memcmp(text + size - end, ending, end) == 0 ? size - end : size;
}

/* --- which there are --- */

static enum status add(struct timeline_columns *c, enum timeline_figure figure, size_t which,
                       const char *name, const char *suffix, struct output_column like,
                       struct error *err)
{
    if (c->layout.count == TIMELINE_COLUMNS_MAX)
        return error_set(err, STATUS_FULL, "columns of %s", c->layout.table->name);
    c->column[c->layout.count] = (struct timeline_column){ figure, which };
    return export_layout_add(&c->layout, name, suffix, like.type, like.human, like.exponent, err);
}

static enum status add_counter(struct timeline_columns *c, size_t m, struct error *err)
{
    const struct recording_metric *metric = c->layout.metric[m].metric;
    const struct naming *n = naming_of(metric);
    char base[80], rate[100], gaps[100];
    size_t size = without(metric->name, strlen(metric->name), "_total");
    enum output_type exact = n->exponent != 0 ? OUTPUT_DECIMAL : OUTPUT_INTEGER;
    enum output_type exact_rate = n->rate_exponent != 0 ? OUTPUT_DECIMAL : OUTPUT_INTEGER;

    size = without(metric->name, size, n->ending);
    (void)snprintf(base, sizeof base, "%.*s", (int)(size < 60 ? size : 60), metric->name);
    (void)snprintf(rate, sizeof rate, "%s%s", base, n->rate);
    (void)snprintf(gaps, sizeof gaps, "%s%s", base, n->increase);
    if (add(c, TIMELINE_INCREASE, m, base, n->increase,
            (struct output_column){ NULL, exact, n->human, n->exponent }, err) != STATUS_OK ||
        add(c, TIMELINE_RATE_MEAN, m, rate, "_mean",
            (struct output_column){ NULL, OUTPUT_REAL, n->rate_human, 0 }, err) != STATUS_OK ||
        add(c, TIMELINE_RATE_MAX, m, rate, "_max",
            (struct output_column){ NULL, exact_rate, n->rate_human, n->rate_exponent },
            err) != STATUS_OK)
        return err->status;
    return add(c, TIMELINE_IN_GAPS, m, gaps, "_in_gaps",
               (struct output_column){ NULL, exact, n->human, n->exponent }, err);
}

static enum status add_gauge(struct timeline_columns *c, size_t m, struct error *err)
{
    const struct recording_metric *metric = c->layout.metric[m].metric;
    enum output_human human = strcmp(metric->unit, "bytes") == 0 ? HUMAN_BYTES : HUMAN_COUNT;

    if (add(c, TIMELINE_MEAN, m, metric->name, "_mean",
            (struct output_column){ NULL, OUTPUT_REAL, human, 0 }, err) != STATUS_OK)
        return err->status;
    return add(c, TIMELINE_MAX, m, metric->name, "_max",
               (struct output_column){ NULL, OUTPUT_INTEGER, human, 0 }, err);
}

static enum status add_metrics(struct timeline_columns *c, const struct timeline *t,
                               struct error *err)
{
    static const struct output_column text = { NULL, OUTPUT_TEXT, HUMAN_PLAIN, 0 };
    enum status st = STATUS_OK;

    for (size_t m = 0; m < t->table->metric_count && st == STATUS_OK; m++) {
        enum metric_kind kind = t->table->metrics[m].kind;

        if (kind == METRIC_COUNTER)
            st = add_counter(c, m, err);
        else if (kind == METRIC_GAUGE)
            st = add_gauge(c, m, err);
        else if (t->by == TIMELINE_SERIES) /* states do not add up */
            st = add(c, TIMELINE_LAST, m, t->table->metrics[m].name, "", text, err);
    }
    return st;
}

enum status timeline_columns_init(struct timeline_columns *c, const struct timeline *t,
                                  struct error *err)
{
    static const char *const names[BY_COUNT] = {
        [BY_COMM] = "comm",           [BY_EXE] = "exe",
        [BY_USER] = "user",           [BY_CGROUP] = "cgroup",
        [BY_CONTAINER] = "container", [BY_UNIT] = "unit",
        [BY_LINEAGE] = "lineage"
    };
    static const struct output_column text = { NULL, OUTPUT_TEXT, HUMAN_PLAIN, 0 };
    static const struct output_column count = { NULL, OUTPUT_INTEGER, HUMAN_PLAIN, 0 };
    static const struct output_column seconds = { NULL, OUTPUT_DECIMAL, HUMAN_SECONDS, -9 };

    if (export_layout_init(&c->layout, t->table, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < c->layout.identity_at; i++)
        c->column[i] = (struct timeline_column){ TIMELINE_TIME, i };
    for (size_t i = c->layout.identity_at; i < c->layout.count; i++)
        c->column[i] = (struct timeline_column){ t->by == TIMELINE_SERIES ? TIMELINE_IDENTITY
                                                                          : TIMELINE_HIDDEN,
                                                 i - c->layout.identity_at };
    if ((t->by == TIMELINE_NAME &&
         add(c, TIMELINE_IDENTITY, 0, names[t->name], "", text, err) != STATUS_OK) ||
        add(c, TIMELINE_LENGTH, 0, "seconds", "", seconds, err) != STATUS_OK ||
        add(c, TIMELINE_TICKS, 0, "ticks", "", count, err) != STATUS_OK ||
        add(c, TIMELINE_COVERED, 0, "covered_seconds", "", seconds, err) != STATUS_OK)
        return err->status;
    return add_metrics(c, t, err);
}

void timeline_columns_release(struct timeline_columns *c)
{
    export_layout_release(&c->layout);
    *c = (struct timeline_columns){ .chosen_count = 0 };
}

/* --- which are chosen --- */

static enum status choose(struct timeline_columns *c, size_t column, struct error *err)
{
    for (size_t i = 0; i < c->chosen_count; i++)
        if (c->chosen[i] == column)
            return error_set(err, STATUS_INVALID, "column %s is named twice",
                             c->layout.column[column].name);
    c->chosen[c->chosen_count++] = column;
    return STATUS_OK;
}

static enum status choose_named(struct timeline_columns *c, const char *name, struct error *err)
{
    char shown[256];
    bool found = false;

    for (size_t i = 0; i < c->layout.count; i++) {
        const struct timeline_column *column = &c->column[i];
        bool metric = column->figure >= TIMELINE_INCREASE &&
                      strcmp(c->layout.metric[column->which].metric->name, name) == 0;

        if (column->figure == TIMELINE_HIDDEN ||
            (!metric && strcmp(c->layout.column[i].name, name) != 0))
            continue;
        found = true;
        if (choose(c, i, err) != STATUS_OK)
            return err->status;
    }
    if (found)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "no column %s; procscope timeline --columns help lists those of %s",
                     escape_show(shown, sizeof shown, name), c->layout.table->name);
}

enum status timeline_columns_named(struct timeline_columns *c, const char *list, struct error *err)
{
    char name[100];

    for (const char *at = list;; at++) {
        size_t size = strcspn(at, ",");

        (void)snprintf(name, sizeof name, "%.*s", (int)(size < 99 ? size : 99), at);
        if (choose_named(c, name, err) != STATUS_OK)
            return err->status;
        at += size;
        if (*at == '\0')
            return STATUS_OK;
    }
}

/* Of processes, what most ask for, and its title; where .program says so only programs get it. */
static const struct usual {
    const char *name, *title;
    bool people, program;
} usual[] = {
    { "time", "TIME", true, true },
    { "time_ns", "TIME NS", false, true },
    { "process_id", "ID", false, true },
    { "pid", "PID", true, true },
    { "comm", "COMM", true, true },
    { "cgroup", "CGROUP", true, true },
    { "container", "CONTAINER", true, true },
    { "unit", "UNIT", true, true },
    { "lineage", "LINEAGE", true, true },
    { "exe", "EXE", true, true },
    { "user", "USER", true, true },
    { "seconds", "LENGTH", false, true },
    { "ticks", "TICKS", false, true },
    { "covered_seconds", "COVERED", true, true },
    { "cpu_seconds", "CPU", true, true },
    { "cpu_percent_mean", "CPU%", true, true },
    { "cpu_percent_max", "MAX%", true, true },
    { "cpu_seconds_in_gaps", "IN GAPS", false, true },
    { "resident_bytes_mean", "RSS", true, true },
    { "resident_bytes_max", "RSS MAX", true, true },
    { "disk_read_bytes", "READ", false, true },
    { "disk_read_bytes_per_second_mean", "READ/S", true, true },
    { "disk_written_bytes", "WRITTEN", false, true },
    { "disk_written_bytes_per_second_mean", "WRITTEN/S", true, true },
};

static const struct usual *usual_of(const struct timeline_columns *c, size_t column)
{
    if (strcmp(c->layout.table->name, "process_samples") != 0)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(usual); i++)
        if (strcmp(usual[i].name, c->layout.column[column].name) == 0)
            return &usual[i];
    return NULL;
}

/* Of any other table all metrics: people get a rate or a mean, programs all but the gaps. */
static bool is_default(const struct timeline_columns *c, size_t column, bool people)
{
    const struct usual *known = usual_of(c, column);

    if (c->column[column].figure == TIMELINE_HIDDEN)
        return false;
    if (strcmp(c->layout.table->name, "process_samples") == 0)
        return known != NULL && (people ? known->people : known->program);
    switch (c->column[column].figure) {
    case TIMELINE_TIME:
        return !people || c->column[column].which == 0;
    case TIMELINE_IDENTITY:
        return !people || c->layout.column[column].type == OUTPUT_TEXT ||
               strcmp(c->layout.column[column].name, "pid") == 0;
    case TIMELINE_LENGTH:
    case TIMELINE_TICKS:
    case TIMELINE_INCREASE:
    case TIMELINE_MAX:
        return !people;
    case TIMELINE_RATE_MAX:
    case TIMELINE_IN_GAPS:
        return false;
    default:
        return true;
    }
}

void timeline_columns_default(struct timeline_columns *c, bool people, uint64_t known)
{
    c->titles = people;
    for (size_t i = 0; i < c->layout.count; i++) {
        bool empty = people && c->column[i].figure >= TIMELINE_INCREASE &&
                     (known >> c->column[i].which & 1) == 0;

        if (is_default(c, i, people) && !empty)
            c->chosen[c->chosen_count++] = i;
    }
}

static void want(struct timeline *t, size_t metric)
{
    for (size_t i = 0; i < t->metric_count; i++)
        if (t->metric[i] == metric)
            return;
    t->metric[t->metric_count++] = metric;
}

void timeline_columns_want(const struct timeline_columns *c, struct timeline *t)
{
    bool processes = strcmp(t->table->name, "process_samples") == 0;
    size_t cpu = processes ? recording_metric(t->table, "cpu_ns_total") : SIZE_MAX;

    if (cpu != SIZE_MAX)
        want(t, cpu); /* what covered_seconds is of */
    for (size_t i = 0; i < c->chosen_count; i++) {
        const struct timeline_column *column = &c->column[c->chosen[i]];

        if (column->figure < TIMELINE_INCREASE)
            continue;
        want(t, column->which);
        if (column->figure == TIMELINE_IN_GAPS)
            t->in_gaps |= UINT64_C(1) << column->which;
    }
    for (size_t m = 0; t->metric_count == 0 && m < t->table->metric_count; m++)
        t->metric[t->metric_count++] = m;
}

const char *timeline_columns_title(const struct timeline_columns *c, size_t chosen)
{
    const struct usual *known = c->titles ? usual_of(c, c->chosen[chosen]) : NULL;

    return known == NULL ? c->layout.column[c->chosen[chosen]].name : known->title;
}

/* --- values --- */

static const struct output_cell missing = { .missing = true };

/* In exported units; as large as fits. */
static struct output_cell scaled(int64_t value, int64_t scale)
{
    struct output_cell cell = { 0 };

    if (__builtin_mul_overflow(value, scale, &cell.integer))
        cell.integer = INT64_MAX;
    return cell;
}

static struct output_cell quotient(int128 sum, int64_t scale, int64_t time_ns, double unit)
{
    if (time_ns <= 0)
        return missing;
    return (struct output_cell){ .real = (double)sum * (double)scale / (double)time_ns * unit };
}

static struct output_cell rate_mean(const struct export_metric *metric,
                                    const struct timeline_cell *cell)
{
    const struct naming *n = naming_of(metric->metric);
    int64_t scale = metric->metric->scale;
    double unit = n->rate_scale;

    if (strcmp(n->unit, "ns") == 0) /* as `report` does, to the last digit */
        return quotient((int128)cell->increase * n->rate_scale, scale, cell->covered_ns, 1);
    for (int e = -9; e < n->exponent; e++)
        unit *= 10;
    return quotient(cell->increase, scale, cell->covered_ns, unit);
}

struct output_cell timeline_figure(const struct timeline_columns *c,
                                   const struct timeline_column *column,
                                   const struct timeline_cell *cell, char digits[])
{
    const struct export_metric *metric = &c->layout.metric[column->which];
    int64_t scale = metric->metric->scale;
    struct output_cell last;

    if (!cell->present)
        return missing;
    switch (column->figure) {
    case TIMELINE_INCREASE:
        return cell->timed ? scaled(cell->increase, scale) : missing;
    case TIMELINE_RATE_MEAN:
        return cell->timed ? rate_mean(metric, cell) : missing;
    case TIMELINE_RATE_MAX:
        return cell->timed ? scaled(cell->max, scale) : missing;
    case TIMELINE_IN_GAPS:
        return scaled(cell->in_gaps, scale);
    case TIMELINE_MEAN:
        return quotient(cell->sum, scale, cell->weight_ns, 1);
    case TIMELINE_MAX:
        return scaled(cell->max, scale);
    default:
        export_value(metric, cell->last, digits, &last);
        return last;
    }
}
