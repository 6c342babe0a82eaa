/* Steps that stand out and follow each other are one incident; the most severe comes first. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/explain.h"

enum { HOLE_STEPS = 1 }; /* that do not stand out, inside an incident */

/* [step] what is felt of each resource. */
struct felt {
    double of[EXPLAIN_RESOURCES];
    double all;
};

/*
 * Does it make its step stand out? What uses much hurts nobody yet: where it was recorded what the host felt,
 * lineages do not, and busy cores only if they are many.
 */
static bool is_felt(const struct explain *e, const struct explain_finding *f)
{
    const struct explain_figure *g = &explain_figures[f->figure];

    if (g->role == EXPLAIN_USE)
        return g->alone > 0 && f->excess >= g->alone && !e->felt_known[g->resource];
    return g->alone <= 0 || f->excess >= g->alone || !e->felt_known[g->resource];
}

static struct felt *feel(const struct explain *e)
{
    struct felt *felt = calloc(e->steps.count + 1, sizeof *felt);

    for (size_t i = 0; felt != NULL && i < e->finding_count; i++) {
        const struct explain_finding *f = &e->finding[i];
        struct felt *step = &felt[f->step];
        enum explain_resource r = explain_figures[f->figure].resource;

        if (is_felt(e, f) && f->excess > step->of[r]) {
            step->all += f->excess - step->of[r];
            step->of[r] = f->excess;
        }
    }
    return felt;
}

static enum status add_incident(struct explain *e, size_t first, size_t last, struct error *err)
{
    struct explain_incident *larger =
        realloc(e->incident, (e->incident_count + 1) * sizeof *larger);

    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu incidents", e->incident_count + 1);
    e->incident = larger;
    e->incident[e->incident_count++] = (struct explain_incident){ .first = first, .last = last };
    return STATUS_OK;
}

static enum status find_runs(struct explain *e, const struct felt felt[], struct error *err)
{
    for (size_t s = e->from_step; s < e->steps.count; s++) {
        size_t last = s;

        if (!(felt[s].all > 0))
            continue;
        for (size_t i = s + 1; i < e->steps.count && i <= last + 1 + HOLE_STEPS; i++)
            if (felt[i].all > 0)
                last = i;
        if (add_incident(e, s, last, err) != STATUS_OK)
            return err->status;
        s = last;
    }
    return STATUS_OK;
}

/* A moment that was asked for is one incident, as wide as it was asked for. */
static enum status take_moment(struct explain *e, const struct felt felt[], struct error *err)
{
    for (size_t s = e->from_step; s < e->steps.count; s++)
        if (felt[s].all > 0)
            return add_incident(e, e->from_step, e->steps.count - 1, err);
    return STATUS_OK;
}

static int64_t latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void describe(const struct explain *e, struct explain_incident *incident,
                     const struct felt felt[])
{
    const struct timeline_buckets *b = &e->steps;
    const struct window *asked = &e->asked->window;
    int64_t first_ns = e->asked->first_ns - 1;
    double most = -1;

    incident->window.from_ns =
        latest(latest(timeline_bucket_from(b, incident->first), asked->from_ns), first_ns);
    incident->window.to_ns = b->end_ns[incident->last];
    incident->before.to_ns = incident->window.from_ns;
    incident->before.from_ns =
        latest(incident->before.to_ns - e->step_ns * EXPLAIN_WATCH_STEPS, first_ns);
    for (size_t s = incident->first; s <= incident->last; s++) {
        int64_t from_ns = latest(timeline_bucket_from(b, s), incident->window.from_ns);
        double seconds = (double)(b->end_ns[s] - from_ns) / 1e9;

        incident->severity += felt[s].all * seconds;
        for (size_t r = 0; r < EXPLAIN_RESOURCES; r++)
            incident->felt[r] += felt[s].of[r];
        if (felt[s].all > most) {
            most = felt[s].all;
            incident->worst_ns = from_ns + (b->end_ns[s] - from_ns) / 2;
        }
    }
    for (size_t r = 0; r < EXPLAIN_RESOURCES; r++)
        incident->felt[r] /= (double)(incident->last - incident->first + 1);
}

static int by_severity(const void *a, const void *b)
{
    const struct explain_incident *x = a, *y = b;

    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

enum status explain_group(struct explain *e, struct error *err)
{
    struct felt *felt = feel(e);
    enum status st;

    if (felt == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu steps", e->steps.count);
    st = e->moment ? take_moment(e, felt, err) : find_runs(e, felt, err);
    for (size_t i = 0; i < e->incident_count && st == STATUS_OK; i++)
        describe(e, &e->incident[i], felt);
    free(felt);
    if (e->incident_count > 1)
        qsort(e->incident, e->incident_count, sizeof *e->incident, by_severity);
    e->shown_count = e->incident_count < e->top ? e->incident_count : e->top;
    return st;
}
