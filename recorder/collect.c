/* Runs the list of collectors. Their cost is the CPU time of the calling thread. */
#include "recorder/collect.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t thread_cpu_ns(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool capability_works(const struct capability *capability)
{
    return capability->status == CAPABILITY_OK || capability->status == CAPABILITY_PARTIAL;
}

static bool is_listed(const char *only, const char *name, size_t size)
{
    while (*only != '\0') {
        size_t length = strcspn(only, ",");

        if (length == size && memcmp(only, name, size) == 0)
            return true;
        only += length;
        only += *only == ',';
    }
    return false;
}

/* Every name in `only` must be one of the list. */
static enum status check_names(const char *only, const struct collector *const list[], size_t count,
                               struct error *err)
{
    size_t known = 0;
    char names[200] = "";

    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(names);

        (void)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", list[i]->name);
    }
    for (const char *at = only; *at != '\0'; at += *at == ',') {
        size_t size = strcspn(at, ",");
        bool found = size == 0;

        for (size_t i = 0; i < count && !found; i++)
            found = strlen(list[i]->name) == size && memcmp(at, list[i]->name, size) == 0;
        if (!found)
            return error_set(err, STATUS_INVALID,
                             "--collectors: \"%.*s\" is not known; accepted are %s", (int)size, at,
                             names);
        known += size > 0;
        at += size;
    }
    if (known == 0)
        return error_set(err, STATUS_INVALID, "--collectors: no name in \"%s\"; accepted are %s",
                         only, names);
    return STATUS_OK;
}

/* In ticks, from what it wants in ticks and in time. */
static int64_t divisor_of(const struct collector *collector, int64_t interval_ns)
{
    int64_t divisor = collector->divisor > 1 ? collector->divisor : 1;
    int64_t by_time = interval_ns > 0 ? (collector->period_ns + interval_ns - 1) / interval_ns : 1;

    return by_time > divisor ? by_time : divisor;
}

static enum status open_one(struct collect *collect, const struct collector *collector,
                            const struct collect_context *context, struct error *err)
{
    struct collect_entry *entry = &collect->entries[collect->count++];
    enum status st = collector->open(&entry->state, context, &entry->capability, err);

    if (st == STATUS_NO_MEMORY)
        return error_prefix(err, "collector %s", collector->name);
    if (st != STATUS_OK) { /* should not happen, and is still no reason to record nothing */
        entry->capability.status = CAPABILITY_FAILED;
        (void)snprintf(entry->capability.reason, sizeof entry->capability.reason, "%.190s",
                       err->message);
    }
    if (!capability_works(&entry->capability))
        return STATUS_OK;
    entry->running = true;
    entry->divisor = divisor_of(collector, context->interval_ns);
    entry->cost = collect->stats.collector_count++;
    collect->stats.collector[entry->cost].name = collector->name;
    collect->budget.item[collect->budget.count++] =
        (struct budget_item){ .name = collector->name, .optional = collector->optional };
    return STATUS_OK;
}

enum status collect_open(struct collect *collect, const struct collector *const list[],
                         size_t count, const struct collect_context *context, const char *only,
                         struct error *err)
{
    enum status st = STATUS_OK;

    *collect = (struct collect){ .clock = context->clock };
    if (count > COLLECTORS_MAX)
        return error_set(err, STATUS_INVALID, "%zu collectors, the most is %d", count,
                         COLLECTORS_MAX);
    if (only != NULL)
        st = check_names(only, list, count, err);
    for (size_t i = 0; st == STATUS_OK && i < count; i++) {
        struct collect_entry *entry = &collect->entries[collect->count];

        entry->collector = list[i];
        if (only == NULL || is_listed(only, list[i]->name, strlen(list[i]->name))) {
            st = open_one(collect, list[i], context, err);
            continue;
        }
        collect->count++;
        entry->capability = (struct capability){
            .status = CAPABILITY_OFF,
            .reason = "not named in --collectors",
            .enable = "name it in --collectors, or leave that out",
        };
    }
    if (st != STATUS_OK)
        collect_close(collect);
    return st;
}

void collect_close(struct collect *collect)
{
    for (size_t i = collect->count; i-- > 0;) {
        struct collect_entry *entry = &collect->entries[i];

        if (entry->state != NULL)
            entry->collector->close(entry->state);
    }
    *collect = (struct collect){ 0 };
}

/* What a failed collector has added must not look as if its entities were gone. */
static void drop_rows(struct tick_table *table)
{
    table->sampled = false;
    table->column_mask = 0;
    table->row_count = 0;
    table->value_count = 0;
}

static bool run_one(struct collect *collect, struct collect_entry *entry, struct tick *tick)
{
    struct collector_cost *cost = &collect->stats.collector[entry->cost];
    int64_t start_ns = thread_cpu_ns();
    struct error err = { 0 };
    enum status st = entry->collector->collect(entry->state, tick, &err);

    entry->own_cpu_ns += thread_cpu_ns() - start_ns;
    cost->cpu_ns = entry->own_cpu_ns;
    if (entry->collector->other_cpu_ns != NULL)
        cost->cpu_ns += entry->collector->other_cpu_ns(entry->state);
    cost->calls++;
    cost->waits = entry->collector->not_answering != NULL;
    if (cost->waits)
        cost->not_answering = entry->collector->not_answering(entry->state);
    if (st == STATUS_OK)
        return true;
    cost->failures++;
    (void)error_prefix(&err, "%s", entry->collector->name);
    collect->last_failure = err;
    drop_rows(&tick->table[entry->collector->table]);
    if (entry->collector->second_table != TABLE_PROCESS)
        drop_rows(&tick->table[entry->collector->second_table]);
    return false;
}

static bool is_due(const struct collect *collect, const struct collect_entry *entry,
                   const struct tick *tick)
{
    int64_t factor;

    if (!entry->running)
        return false;
    factor = budget_factor(collect->budget.item[entry->cost].level);
    return factor > 0 && tick->seq % (entry->divisor * factor) == 0;
}

static void mind_budget(struct collect *collect, struct tick *tick)
{
    struct timespec cpu = { 0 };

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        budget_look(&collect->budget, &collect->stats,
                    collect->clock->boot_ns(collect->clock->self),
                    (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec, tick);
}

bool collect_tick(struct collect *collect, struct tick *tick)
{
    bool all = true;

    collect->stats.ticks++;
    for (size_t i = 0; i < collect->count; i++) {
        const struct collect_entry *entry = &collect->entries[i];

        if (is_due(collect, entry, tick) && entry->collector->begin != NULL)
            entry->collector->begin(entry->state, tick);
    }
    for (size_t i = 0; i < collect->count; i++) {
        struct collect_entry *entry = &collect->entries[i];

        if (is_due(collect, entry, tick) || (entry->running && entry->collector->begin != NULL))
            all = run_one(collect, entry, tick) && all;
    }
    mind_budget(collect, tick);
    return all;
}

void collect_answers(struct collect *collect, struct tick *tick)
{
    for (size_t i = 0; i < collect->count; i++) {
        struct collect_entry *entry = &collect->entries[i];

        if (entry->running && entry->collector->begin != NULL)
            (void)run_one(collect, entry, tick);
    }
}

void *collect_state(const struct collect *collect, const struct collector *collector)
{
    for (size_t i = 0; i < collect->count; i++) {
        if (collect->entries[i].collector == collector && collect->entries[i].running)
            return collect->entries[i].state;
    }
    return NULL;
}
