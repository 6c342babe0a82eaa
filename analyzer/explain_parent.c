/* Who starts processes by the dozen: rows of `report --by process` of the incident, by their parent. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/explain_private.h"
#include "analyzer/group_key.h"
#include "analyzer/report_ask.h"

enum {
    STARTED_A_SECOND = 4, /* fewer are no storm */
    TIMES_BEFORE = 3,     /* as many as in the same time before */
};

/* A process of the window. */
struct child {
    int32_t ppid;
    bool started;
    double seconds;
};

static enum status read_report(struct report *r, const struct explain *e,
                               const struct window *window, struct error *err)
{
    static const struct select everyone = { .pid_count = 0 };
    struct subject part = *e->asked;

    part.window = *window;
    part.whole = false;
    r->aggregate.select = &everyone;
    r->top = SIZE_MAX;
    r->whole = true;
    if (report_parse_by(r, NULL, err) != STATUS_OK ||
        report_parse_sort(r, NULL, err) != STATUS_OK ||
        report_add_column(r, "cpu_seconds", err) != STATUS_OK ||
        report_add_column(r, "lineage", err) != STATUS_OK)
        return err->status;
    report_want(r);
    return report_read(r, &part, err);
}

static int by_parent(const void *a, const void *b)
{
    const struct child *x = a, *y = b;

    return (x->ppid > y->ppid) - (x->ppid < y->ppid);
}

/* All processes of a report, by their parents. owns: free(*list) */
static enum status list_children(struct report *r, const struct explain *e,
                                 const struct window *window, struct child **list, size_t *count,
                                 struct error *err)
{
    const struct groups *groups = &r->aggregate.groups;

    *count = groups->count - 1;
    *list = calloc(groups->count, sizeof **list);
    if (*list == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu processes", *count);
    for (uint32_t i = 1; i < groups->count; i++) {
        const struct total *cpu = aggregate_total(&r->aggregate, i, MEASURE_CPU);
        const struct process *p;

        if (report_identify(r, e->asked, i, err) != STATUS_OK)
            return err->status;
        p = groups->group[i].process;
        (*list)[i - 1] = (struct child){
            .ppid = p->ppid,
            .started = p->start_ns > window->from_ns && p->start_ns <= window->to_ns,
            .seconds = (double)cpu->increase * (double)r->aggregate.scale[MEASURE_CPU] / 1e9
        };
    }
    if (*count > 1)
        qsort(*list, *count, sizeof **list, by_parent);
    return STATUS_OK;
}

/* The parent that started most. */
static void find_most(const struct child list[], size_t count, struct explain_parent *parent)
{
    for (size_t i = 0, end; i < count; i = end) {
        size_t started = 0;
        double seconds = 0;

        for (end = i; end < count && list[end].ppid == list[i].ppid; end++) {
            started += list[end].started;
            seconds += list[end].seconds;
        }
        if (started > parent->started && list[i].ppid > 1) {
            parent->pid = list[i].ppid;
            parent->started = started;
            parent->seconds = seconds;
        }
    }
}

static size_t started_by(const struct child list[], size_t count, int32_t ppid)
{
    size_t started = 0;

    for (size_t i = 0; i < count; i++)
        started += list[i].ppid == ppid && list[i].started;
    return started;
}

/* Its lineage, if it was seen itself. */
static enum status name_parent(struct explain *e, const struct report *r,
                               struct explain_parent *parent, struct error *err)
{
    const struct groups *groups = &r->aggregate.groups;
    struct explain_subject like = { .lineage = true };

    for (uint32_t i = 1; i < groups->count; i++) {
        const struct group_names *names = groups->group[i].own;

        if (groups->group[i].process->pid == parent->pid && names != NULL &&
            names->lineage.data != NULL)
            like.name = names->lineage;
    }
    return like.name.data == NULL ? STATUS_OK : explain_subject(e, &like, &parent->subject, err);
}

/* Had it started as many before? */
static enum status is_new(const struct explain *e, const struct explain_incident *incident,
                          const struct explain_parent *parent, bool *new, struct error *err)
{
    const struct window *w = &incident->window;
    struct window before = { wrap_subtract(w->from_ns, wrap_subtract(w->to_ns, w->from_ns)),
                             w->from_ns };
    struct report *r = calloc(1, sizeof *r);
    struct child *list = NULL;
    size_t count = 0;
    enum status st = r == NULL ? error_set(err, STATUS_NO_MEMORY, "a report") : STATUS_OK;

    if (before.from_ns < incident->before.from_ns)
        before.from_ns = incident->before.from_ns;
    if (st == STATUS_OK)
        st = read_report(r, e, &before, err);
    if (st == STATUS_OK)
        st = list_children(r, e, &before, &list, &count, err);
    *new = st == STATUS_OK && parent->started > TIMES_BEFORE *started_by(list, count, parent->pid);
    free(list);
    if (r != NULL)
        report_release(r);
    free(r);
    return st;
}

static enum status find(struct explain *e, const struct explain_incident *incident,
                        struct report *r, struct explain_parent *parent, struct error *err)
{
    double seconds = (double)(incident->window.to_ns - incident->window.from_ns) / 1e9;
    struct child *list = NULL;
    size_t count = 0;
    bool new = false;
    enum status st = read_report(r, e, &incident->window, err);

    if (st == STATUS_OK)
        st = list_children(r, e, &incident->window, &list, &count, err);
    if (st == STATUS_OK)
        find_most(list, count, parent);
    free(list);
    if (st != STATUS_OK || (double)parent->started < STARTED_A_SECOND * seconds)
        return st;
    st = is_new(e, incident, parent, &new, err);
    return st == STATUS_OK && new ? name_parent(e, r, parent, err) : st;
}

enum status explain_find_parent(struct explain *e, const struct explain_incident *incident,
                                struct explain_parent *parent, struct error *err)
{
    struct report *r;
    enum status st;

    *parent = (struct explain_parent){ .subject = SIZE_MAX };
    if (!(incident->felt[EXPLAIN_CPU] > 0))
        return STATUS_OK;
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a report");
    st = find(e, incident, r, parent, err);
    report_release(r);
    free(r);
    return st;
}
