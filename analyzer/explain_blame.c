/*
 * Who explains an incident. What is felt of a resource is shared by the lineages that use more of it than
 * usual, by how much more; a device that is slow by itself takes it instead.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/explain_private.h"

enum { LEAST_SHARE = 5 }; /* a culprit has at least a fifth of what the first has */

/* Sums over the steps of an incident, by subject. */
struct blame {
    double *use;    /* [subject][resource] lineages' excess */
    double *fault;  /* [subject][resource] */
    double *device; /* [subject][resource] the strongest of a device's symptoms */
    double used[EXPLAIN_RESOURCES];
    bool taken[EXPLAIN_RESOURCES]; /* by a fault */
    bool split[EXPLAIN_RESOURCES]; /* users share it */
};

static bool is_in(const struct explain_incident *incident, const struct explain_finding *f)
{
    return f->step >= incident->first && f->step <= incident->last;
}

/* A disk that has more to do takes longer: that is no fault of its own. */
static bool is_fault(const struct explain *e, const struct explain_incident *incident,
                     const struct explain_finding *f)
{
    return explain_figures[f->figure].role == EXPLAIN_FAULT &&
           (explain_figures[f->figure].form != EXPLAIN_RATIO ||
            !explain_is_loaded(e, incident, f->subject));
}

static void add_up(const struct explain *e, const struct explain_incident *incident,
                   struct blame *blame)
{
    for (size_t i = 0; i < e->finding_count; i++) {
        const struct explain_finding *f = &e->finding[i];
        const struct explain_figure *g = &explain_figures[f->figure];
        size_t at = f->subject * EXPLAIN_RESOURCES + g->resource;

        if (!is_in(incident, f))
            continue;
        if (g->role == EXPLAIN_USE) {
            blame->use[at] += f->excess;
            blame->used[g->resource] += f->excess;
        } else if (is_fault(e, incident, f)) {
            blame->fault[at] += f->excess;
            blame->taken[g->resource] |= g->takes;
        } else if (g->role != EXPLAIN_SYMPTOM) {
            blame->device[at] += f->excess;
        }
    }
    for (size_t r = 0; r < EXPLAIN_RESOURCES; r++)
        blame->split[r] = !blame->taken[r] && blame->used[r] > 0;
}

/* What a subject explains of a resource, of one step. */
static double score_of(const struct explain_incident *incident, const struct blame *blame,
                       size_t subject, size_t r)
{
    double steps = (double)(incident->last - incident->first + 1);
    size_t at = subject * EXPLAIN_RESOURCES + r;
    double score = 0;

    if (!(incident->felt[r] > 0)) /* using more of what nobody lacked is no fault */
        return 0;
    if (!blame->taken[r])
        score += blame->use[at] / steps;
    if (blame->split[r])
        score += incident->felt[r] * blame->use[at] / blame->used[r];
    if (blame->fault[at] > 0)
        score += blame->fault[at] / steps + (blame->taken[r] ? incident->felt[r] : 0);
    if (blame->device[at] > 0 && !blame->split[r] && !blame->taken[r])
        score += blame->device[at] / steps;
    return score;
}

/* Keep the best of them, in order. */
static void insert(struct explain_incident *incident, const struct explain_culprit *culprit)
{
    size_t at = incident->culprit_count;

    if (at == EXPLAIN_CULPRITS_MAX && incident->culprit[at - 1].score >= culprit->score)
        return;
    if (at < EXPLAIN_CULPRITS_MAX)
        incident->culprit_count++;
    else
        at--;
    for (; at > 0 && incident->culprit[at - 1].score < culprit->score; at--)
        incident->culprit[at] = incident->culprit[at - 1];
    incident->culprit[at] = *culprit;
}

static void rank(const struct explain *e, struct explain_incident *incident,
                 const struct blame *blame)
{
    for (size_t s = 0; s < e->subject_count; s++) {
        struct explain_culprit culprit = { .subject = s };

        for (size_t r = 0; r < EXPLAIN_RESOURCES; r++) {
            culprit.of_resource[r] = score_of(incident, blame, s, r);
            culprit.score += culprit.of_resource[r];
        }
        if (culprit.score > 0)
            insert(incident, &culprit);
    }
    while (incident->culprit_count > 0 &&
           incident->culprit[incident->culprit_count - 1].score * LEAST_SHARE <
               incident->culprit[0].score)
        incident->culprit_count--;
}

/* What its many children used is the parent's. */
static void add_parent(const struct explain *e, struct explain_incident *incident,
                       const struct explain_parent *parent, struct blame *blame)
{
    double steps = (double)(incident->last - incident->first + 1);
    double seconds =
        (double)(incident->window.to_ns - incident->window.from_ns) / 1e9 * e->cores / steps;

    incident->parent = parent->subject;
    incident->parent_pid = parent->pid;
    if (parent->subject == SIZE_MAX || !(seconds > 0))
        return;
    blame->use[parent->subject * EXPLAIN_RESOURCES + EXPLAIN_CPU] += parent->seconds / seconds;
    blame->used[EXPLAIN_CPU] += parent->seconds / seconds;
}

static enum status blame_one(struct explain *e, struct explain_incident *incident,
                             struct error *err)
{
    size_t count = (e->subject_count + 2) * EXPLAIN_RESOURCES; /* a parent may be new */
    struct explain_parent parent = { .subject = SIZE_MAX };
    struct blame blame = { .use = calloc(count, sizeof(double)),
                           .fault = calloc(count, sizeof(double)),
                           .device = calloc(count, sizeof(double)) };
    enum status st = STATUS_OK;

    if (blame.use == NULL || blame.fault == NULL || blame.device == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "%zu subjects", e->subject_count);
    if (st == STATUS_OK)
        st = explain_symptoms(e, incident, err);
    if (st == STATUS_OK)
        st = explain_find_parent(e, incident, &parent, err);
    if (st == STATUS_OK) {
        add_parent(e, incident, &parent, &blame);
        add_up(e, incident, &blame);
        rank(e, incident, &blame);
        st = explain_evidence(e, incident, err);
    }
    free(blame.use);
    free(blame.fault);
    free(blame.device);
    return st;
}

enum status explain_blame(struct explain *e, struct error *err)
{
    for (size_t i = 0; i < e->shown_count; i++)
        if (blame_one(e, &e->incident[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

enum status explain_read(struct explain *e, struct error *err)
{
    if (explain_find(e, err) != STATUS_OK || explain_group(e, err) != STATUS_OK)
        return err->status;
    return explain_blame(e, err);
}

void explain_release(struct explain *e)
{
    for (size_t i = 0; i < e->subject_count; i++)
        free((char *)e->subject[i].name.data);
    for (size_t i = 0; i < e->incident_count; i++)
        for (size_t k = 0; k < e->incident[i].line_count; k++)
            free(e->incident[i].line[k].owned);
    timeline_buckets_release(&e->steps);
    free(e->subject);
    free(e->finding);
    free(e->incident);
}
