/* The list of collectors, as a table and as JSON. */
#include "recorder/list_collectors.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

enum {
    ROUNDS = 4, /* the first, which opens and announces, does not count */
    PAUSE_NS = 100000000,
    FIRST_PAUSE_NS = 8000000,
    LAST_PAUSE_NS = FIRST_PAUSE_NS << 7, /* 2 s in all: more than the slowest takes */
    NS_PER_S = 1000000000,
    LINE_MOST = 100,
    INDENT = 4,
};

static void pause_ns(int64_t ns)
{
    const struct timespec pause = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

    (void)nanosleep(&pause, NULL);
}

static void begin_tick(struct tick *tick, const struct collect_context *context)
{
    const struct clock *clock = context->clock;

    tick_reset(tick);
    tick->start_ns = timebase_at(&context->timebase, clock->boot_ns(clock->self));
}

/* Those that are waited for, less what has answered in this tick; true: some are left. */
static bool strike_out(bool waits[COLLECTORS_MAX], const struct collect *collect,
                       const struct tick *tick)
{
    bool left = false;

    for (size_t i = 0; i < collect->count; i++) {
        waits[i] = waits[i] && !tick->table[collect->entries[i].collector->table].sampled;
        left = left || waits[i];
    }
    return left;
}

/*
 * One run of each, and the answers of those with a thread of their own: at the next run they are to begin
 * another read. What does not answer in time is not waited for at the next run.
 */
static void run_all(struct collect *collect, const struct collect_context *context,
                    struct tick *tick, bool answers[COLLECTORS_MAX])
{
    bool waits[COLLECTORS_MAX];
    bool left;

    memcpy(waits, answers, sizeof waits);
    begin_tick(tick, context);
    (void)collect_tick(collect, tick);
    left = strike_out(waits, collect, tick);
    for (int64_t ns = FIRST_PAUSE_NS; left && ns <= LAST_PAUSE_NS; ns *= 2) {
        pause_ns(ns); /* longer and longer: to look costs, too */
        begin_tick(tick, context);
        collect_answers(collect, tick);
        left = strike_out(waits, collect, tick);
    }
    for (size_t i = 0; i < collect->count; i++)
        answers[i] = answers[i] && !waits[i];
}

/* CPU time of one run of each, by its place in stats.collector. */
static void measure(struct collect *collect, const struct collect_context *context,
                    int64_t cost_ns[])
{
    bool answers[COLLECTORS_MAX] = { false };
    struct tick tick;

    tick_init(&tick);
    for (size_t i = 0; i < collect->count; i++)
        answers[i] = collect->entries[i].running && collect->entries[i].collector->begin != NULL;
    for (int round = 0; round < ROUNDS; round++) {
        run_all(collect, context, &tick, answers);
        for (size_t i = 0; round == 0 && i < collect->stats.collector_count; i++)
            cost_ns[i] = -collect->stats.collector[i].cpu_ns;
        pause_ns(PAUSE_NS);
    }
    for (size_t i = 0; i < collect->stats.collector_count; i++)
        cost_ns[i] = (cost_ns[i] + collect->stats.collector[i].cpu_ns) / (ROUNDS - 1);
    tick_release(&tick);
}

static void print_line(FILE *out, const char *what, const char *text)
{
    if (text != NULL && text[0] != '\0')
        fprintf(out, "%*s%-10s %s\n", INDENT, "", what, text);
}

static int print_metrics_of(FILE *out, enum table_id table, int column)
{
    for (size_t m = 0; m < samples_tables[table].metric_count; m++) {
        const char *name = samples_tables[table].metrics[m].name;

        if (column + (int)strlen(name) + 1 > LINE_MOST) {
            fprintf(out, "\n%*s", INDENT + 10, "");
            column = INDENT + 10;
        }
        column += fprintf(out, " %s", name);
    }
    return column;
}

static void print_entry(const struct collect_entry *entry, const int64_t cost_ns[],
                        int64_t interval_ns, FILE *out)
{
    const struct collector *collector = entry->collector;
    int column = INDENT + 10;

    fprintf(out, "%-14s %-14s %s\n", collector->name, capability_name(entry->capability.status),
            collector->description);
    print_line(out, "why", entry->capability.reason);
    print_line(out, "to enable", entry->capability.enable);
    print_line(out, "source", collector->source);
    print_line(out, "needs", collector->needs);
    if (entry->running)
        fprintf(out, "%*s%-10s %.3f ms of CPU every %.1f s\n", INDENT, "", "costs",
                (double)cost_ns[entry->cost] / 1e6, (double)(entry->divisor * interval_ns) / 1e9);
    print_line(out, "absence", collector->absence);
    fprintf(out, "%*s%-10s", INDENT, "", "metrics");
    column = print_metrics_of(out, collector->table, column);
    if (collector->second_table != TABLE_PROCESS)
        (void)print_metrics_of(out, collector->second_table, column);
    fprintf(out, "\n\n");
}

static bool add_metrics(cJSON *array, enum table_id table)
{
    const struct samples_table *t = &samples_tables[table];
    bool complete = true;

    for (size_t m = 0; complete && m < t->metric_count; m++) {
        cJSON *object = cJSON_CreateObject();

        complete =
            object != NULL && cJSON_AddItemToArray(array, object) &&
            cJSON_AddStringToObject(object, "table", t->name) != NULL &&
            cJSON_AddStringToObject(object, "name", t->metrics[m].name) != NULL &&
            cJSON_AddStringToObject(object, "kind", metric_kind_name(t->metrics[m].kind)) != NULL &&
            cJSON_AddStringToObject(object, "unit", t->metrics[m].unit) != NULL &&
            cJSON_AddStringToObject(object, "description", t->metrics[m].description) != NULL;
    }
    return complete;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text == NULL ? "" : text) != NULL;
}

static bool add_entry(cJSON *array, const struct collect_entry *entry, const int64_t cost_ns[],
                      int64_t interval_ns)
{
    const struct collector *collector = entry->collector;
    cJSON *object = cJSON_CreateObject();
    cJSON *metrics;

    if (object == NULL || !cJSON_AddItemToArray(array, object)) {
        cJSON_Delete(object);
        return false;
    }
    if (!add_text(object, "name", collector->name) ||
        !add_text(object, "description", collector->description) ||
        !add_text(object, "table", samples_tables[collector->table].name) ||
        !add_text(object, "status", capability_name(entry->capability.status)) ||
        !add_text(object, "reason", entry->capability.reason) ||
        !add_text(object, "enable", entry->capability.enable) ||
        !add_text(object, "source", collector->source) ||
        !add_text(object, "needs", collector->needs) ||
        !add_text(object, "absence", collector->absence))
        return false;
    if (entry->running &&
        (cJSON_AddNumberToObject(object, "every_ticks", (double)entry->divisor) == NULL ||
         cJSON_AddNumberToObject(object, "every_ns", (double)(entry->divisor * interval_ns)) ==
             NULL ||
         cJSON_AddNumberToObject(object, "cost_ns", (double)cost_ns[entry->cost]) == NULL))
        return false;
    metrics = cJSON_AddArrayToObject(object, "metrics");
    return metrics != NULL && add_metrics(metrics, collector->table) &&
           (collector->second_table == TABLE_PROCESS ||
            add_metrics(metrics, collector->second_table));
}

static enum status print_json(const struct collect *collect, const int64_t cost_ns[],
                              int64_t interval_ns, FILE *out, struct error *err)
{
    cJSON *array = cJSON_CreateArray();
    bool complete = array != NULL;
    char *text = NULL;

    for (size_t i = 0; complete && i < collect->count; i++)
        complete = add_entry(array, &collect->entries[i], cost_ns, interval_ns);
    if (complete)
        text = cJSON_Print(array);
    if (text != NULL)
        fprintf(out, "%s\n", text);
    cJSON_Delete(array);
    if (text == NULL)
        return error_set(err, STATUS_NO_MEMORY, "list of collectors");
    cJSON_free(text);
    return STATUS_OK;
}

enum status list_collectors(struct collect *collect, const struct collect_context *context,
                            bool json, FILE *out, struct error *err)
{
    int64_t cost_ns[COLLECTORS_MAX] = { 0 };
    enum status st = STATUS_OK;

    measure(collect, context, cost_ns);
    if (json)
        st = print_json(collect, cost_ns, context->interval_ns, out, err);
    for (size_t i = 0; !json && i < collect->count; i++)
        print_entry(&collect->entries[i], cost_ns, context->interval_ns, out);
    if (st == STATUS_OK && (fflush(out) != 0 || ferror(out)))
        return error_set(err, STATUS_IO, "cannot write the list");
    return st;
}
