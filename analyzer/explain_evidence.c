/* What culprits did: rows of `report --by lineage` of the incident and of the time before. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/explain_private.h"
#include "analyzer/report_ask.h"

enum { USERS = 3 }; /* of a device */

static const char report_table[] = "report --by lineage";

/* Columns of report that tell of a resource. */
static const struct telling {
    const char *column, *title, *unit;
    double human;
    enum explain_resource resource;
    bool counter;
    bool always; /* of every lineage that is to blame */
} tellings[] = {
    { "cpu_seconds", "CPU", "cores", 1, EXPLAIN_CPU, true, true },
    { "processes", "processes", "", 1, EXPLAIN_CPU, false, true },
    { "resident_bytes_mean", "resident memory, mean", "bytes", 1, EXPLAIN_MEMORY, false, false },
    { "resident_bytes_max", "resident memory, most", "bytes", 1, EXPLAIN_MEMORY, false, true },
    { "disk_read_bytes", "read from disks", "bytes/s", 1, EXPLAIN_DISK, true, false },
    { "disk_written_bytes", "written to disks", "bytes/s", 1, EXPLAIN_DISK, true, false },
    { "gpu_seconds", "GPU time", "GPUs", 1, EXPLAIN_GPU, true, false },
};

/* Both reports of an incident. */
struct pair {
    struct report *then, *before;
    double seconds, seconds_before;
};

static enum status read_report(struct report *r, const struct explain *e,
                               const struct window *window, const struct select *select,
                               struct error *err)
{
    struct subject part = *e->asked;

    part.window = *window;
    part.whole = false;
    r->aggregate.select = select;
    if (report_parse_by(r, "lineage", err) != STATUS_OK ||
        report_parse_sort(r, NULL, err) != STATUS_OK)
        return err->status;
    r->top = SIZE_MAX;
    r->whole = true;
    for (size_t i = 0; i < COUNT_OF(tellings); i++)
        if (report_add_column(r, tellings[i].column, err) != STATUS_OK)
            return err->status;
    report_want(r);
    return report_read(r, &part, err);
}

static uint32_t find_lineage(const struct report *r, const struct text *name)
{
    const struct groups *groups = &r->aggregate.groups;

    for (uint32_t i = 1; i < groups->count; i++)
        if (groups->group[i].key.data != NULL && groups->group[i].key.size == name->size &&
            memcmp(groups->group[i].key.data, name->data, name->size) == 0)
            return i;
    return 0;
}

static double figure_of(const struct report *r, size_t column, uint32_t group)
{
    return report_column_number(r->column[column], &r->aggregate, group);
}

static void add_line(struct explain_incident *incident, const struct pair *pair, size_t telling,
                     const struct explain_line *like, const struct text *name)
{
    const struct telling *t = &tellings[telling];
    double value = figure_of(pair->then, telling, find_lineage(pair->then, name));
    double before = figure_of(pair->before, telling, find_lineage(pair->before, name));
    struct explain_line *line;

    if (isnan(value) && isnan(before))
        return;
    line = explain_add_line(incident);
    if (line == NULL)
        return;
    *line = *like;
    line->table = report_table;
    (void)snprintf(line->figure, sizeof line->figure, "%s", t->column);
    line->title = t->title;
    line->unit = t->unit;
    line->human = t->human;
    line->counter = t->counter;
    line->known = !isnan(value);
    line->known_before = !isnan(before);
    line->value = value;
    line->before = before;
    line->rate = pair->seconds > 0 ? value / pair->seconds : NAN;
    line->rate_before = pair->seconds_before > 0 ? before / pair->seconds_before : NAN;
}

static void tell_lineage(const struct explain *e, struct explain_incident *incident, size_t place,
                         const struct pair *pair)
{
    const struct explain_culprit *culprit = &incident->culprit[place];
    struct explain_line like = { .role = EXPLAIN_LINE_CULPRIT,
                                 .culprit = place + 1,
                                 .subject = culprit->subject };

    for (size_t t = 0; t < COUNT_OF(tellings); t++)
        if (tellings[t].always || culprit->of_resource[tellings[t].resource] > 0)
            add_line(incident, pair, t, &like, &e->subject[culprit->subject].name);
}

/* Who used a device most. */
struct user {
    uint32_t group;
    double amount;
};

static double use_of(const struct report *r, uint32_t group, enum explain_resource resource)
{
    double sum = 0;

    for (size_t t = 0; t < COUNT_OF(tellings); t++)
        if (tellings[t].resource == resource && tellings[t].counter) {
            double value = figure_of(r, t, group);

            sum += isnan(value) ? 0 : value;
        }
    return sum;
}

static void insert(struct user users[USERS], const struct user *user)
{
    size_t at = USERS;

    while (at > 0 && users[at - 1].amount < user->amount)
        at--;
    if (at == USERS)
        return;
    memmove(&users[at + 1], &users[at], (USERS - at - 1) * sizeof *users);
    users[at] = *user;
}

static enum status tell_user(struct explain_incident *incident, size_t place,
                             enum explain_resource resource, const struct pair *pair,
                             uint32_t group, struct error *err)
{
    const struct text *name = &pair->then->aggregate.groups.group[group].key;
    struct explain_line like = { .role = EXPLAIN_LINE_USER,
                                 .culprit = place + 1,
                                 .subject = SIZE_MAX };

    for (size_t t = 0; t < COUNT_OF(tellings); t++) {
        size_t count = incident->line_count;

        if (tellings[t].resource != resource || !tellings[t].counter)
            continue;
        add_line(incident, pair, t, &like, name);
        if (incident->line_count == count)
            continue;
        incident->line[count].owned = malloc(name->size + 1);
        if (incident->line[count].owned == NULL)
            return error_set(err, STATUS_NO_MEMORY, "a name");
        memcpy(incident->line[count].owned, name->data, name->size);
        incident->line[count].owned_size = name->size;
    }
    return STATUS_OK;
}

static enum status tell_users(struct explain_incident *incident, size_t place,
                              const struct pair *pair, struct error *err)
{
    const struct explain_culprit *culprit = &incident->culprit[place];
    enum explain_resource resource = EXPLAIN_CPU;
    struct user users[USERS] = { { 0 } };

    for (size_t r = 0; r < EXPLAIN_RESOURCES; r++)
        if (culprit->of_resource[r] > culprit->of_resource[resource])
            resource = (enum explain_resource)r;
    for (uint32_t i = 1; i < pair->then->aggregate.groups.count; i++) {
        struct user user = { i, use_of(pair->then, i, resource) };

        if (pair->then->aggregate.groups.group[i].key.data != NULL)
            insert(users, &user);
    }
    for (size_t i = 0; i < USERS && users[i].amount > 0; i++)
        if (tell_user(incident, place, resource, pair, users[i].group, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* A column of a report over all its rows. */
static double sum_of(const struct report *r, size_t column)
{
    double sum = 0;

    for (uint32_t i = 1; i < r->aggregate.groups.count; i++) {
        double value = figure_of(r, column, i);

        sum += isnan(value) ? 0 : value;
    }
    return sum;
}

/* What the children of a parent did that started many: rows of `report --where 'ppid = N'`. */
static enum status tell_children(const struct explain *e, struct explain_incident *incident,
                                 size_t place, struct error *err)
{
    static const char *const titles[] = { "CPU of its children", "children" };
    struct select select = { .pid_count = 0 };
    struct report *r = calloc(1, sizeof *r);
    char text[40];
    enum status st = r == NULL ? error_set(err, STATUS_NO_MEMORY, "a report") : STATUS_OK;

    (void)snprintf(text, sizeof text, "ppid = %d", (int)incident->parent_pid);
    if (st == STATUS_OK)
        st = where_parse(&select.where, text, err);
    if (st == STATUS_OK)
        st = read_report(r, e, &incident->window, &select, err);
    for (size_t t = 0; t < COUNT_OF(titles) && st == STATUS_OK; t++) {
        struct explain_line *line = explain_add_line(incident);

        if (line == NULL)
            break;
        *line = (struct explain_line){ .role = EXPLAIN_LINE_CULPRIT,
                                       .culprit = place + 1,
                                       .subject = incident->parent,
                                       .table = report_table,
                                       .title = titles[t],
                                       .unit = tellings[t].unit,
                                       .human = tellings[t].human,
                                       .counter = tellings[t].counter,
                                       .known = true,
                                       .value = sum_of(r, t) };
        line->rate = line->value / incident->covered_seconds;
        (void)snprintf(line->figure, sizeof line->figure, "%s where ppid = %d", tellings[t].column,
                       (int)incident->parent_pid);
    }
    if (r != NULL)
        report_release(r);
    free(r);
    return st;
}

static enum status tell(struct explain *e, struct explain_incident *incident,
                        const struct pair *pair, struct error *err)
{
    for (size_t i = 0; i < incident->culprit_count; i++) {
        if (e->subject[incident->culprit[i].subject].lineage) {
            tell_lineage(e, incident, i, pair);
            if (incident->culprit[i].subject == incident->parent &&
                tell_children(e, incident, i, err) != STATUS_OK)
                return err->status;
        } else if (tell_users(incident, i, pair, err) != STATUS_OK) {
            return err->status;
        }
    }
    return STATUS_OK;
}

/* What no process had, and what recording lost. */
static void tell_host(struct explain_incident *incident, const struct report *r)
{
    int64_t all_us = aggregate_all_cpu(&r->aggregate) * r->aggregate.scale[MEASURE_CPU] / 1000;

    incident->cores_known = r->host.known;
    incident->busy_seconds = (double)r->host.busy_us / 1e6;
    incident->not_attributed_seconds = (double)(r->host.busy_us - all_us) / 1e6;
    incident->ticks_missed = r->host.ticks_missed;
    incident->ticks_dropped = r->host.ticks_dropped;
    incident->exits_lost = r->host.exits_lost;
}

enum status explain_evidence(struct explain *e, struct explain_incident *incident,
                             struct error *err)
{
    struct pair pair = { .then = calloc(1, sizeof *pair.then),
                         .before = calloc(1, sizeof *pair.before) };
    static const struct select everyone = { .pid_count = 0 };
    enum status st = STATUS_OK;

    if (pair.then == NULL || pair.before == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "reports");
    if (st == STATUS_OK)
        st = read_report(pair.then, e, &incident->window, &everyone, err);
    if (st == STATUS_OK)
        st = read_report(pair.before, e, &incident->before, &everyone, err);
    if (st == STATUS_OK) {
        incident->covered_seconds = pair.seconds = (double)pair.then->coverage.ticks_ns / 1e9;
        incident->covered_before_seconds = pair.seconds_before =
            (double)pair.before->coverage.ticks_ns / 1e9;
        tell_host(incident, pair.then);
        st = tell(e, incident, &pair, err);
    }
    if (pair.then != NULL)
        report_release(pair.then);
    if (pair.before != NULL)
        report_release(pair.before);
    free(pair.then);
    free(pair.before);
    return st;
}
