/* The host's and the devices' figures in an incident and before: what `timeline` says of both as two steps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/explain_private.h"
#include "analyzer/timeline.h"

enum { SYMPTOMS_MAX = 12, LOADED = 2 };

/* One table while its two steps come in. */
struct reading {
    const struct explain *e;
    struct explain_incident *incident;
    struct timeline *t;
    const char *table;
    size_t figure_of[EXPLAIN_LINES_MAX]; /* [line] */
    double sum[EXPLAIN_LINES_MAX][2][EXPLAIN_METRICS];
    double weight[EXPLAIN_LINES_MAX][2]; /* covered seconds */
    bool known[EXPLAIN_LINES_MAX][2];
};

struct explain_line *explain_add_line(struct explain_incident *incident)
{
    struct explain_line *line;

    if (incident->line_count == EXPLAIN_LINES_MAX)
        return NULL;
    line = &incident->line[incident->line_count++];
    *line = (struct explain_line){ .subject = SIZE_MAX };
    return line;
}

/* --- which lines there are --- */

struct candidate {
    size_t figure, subject;
    double excess;
};

static int by_excess(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->excess != y->excess)
        return x->excess > y->excess ? -1 : 1;
    if (x->figure != y->figure)
        return x->figure < y->figure ? -1 : 1;
    return x->subject < y->subject ? -1 : x->subject > y->subject;
}

/* What stood out of the host and its devices, the most of it first. owns: free(*list) */
static enum status collect(const struct explain *e, const struct explain_incident *incident,
                           struct candidate **list, size_t *count, struct error *err)
{
    *count = 0;
    *list = malloc((e->finding_count + 1) * sizeof **list);
    if (*list == NULL)
        return error_set(err, STATUS_NO_MEMORY, "symptoms");
    for (size_t i = 0; i < e->finding_count; i++) {
        const struct explain_finding *f = &e->finding[i];
        size_t at = 0;

        if (f->step < incident->first || f->step > incident->last ||
            explain_figures[f->figure].role == EXPLAIN_USE)
            continue;
        while (at < *count &&
               ((*list)[at].figure != f->figure || (*list)[at].subject != f->subject))
            at++;
        if (at == *count)
            (*list)[(*count)++] = (struct candidate){ f->figure, f->subject, 0 };
        (*list)[at].excess += f->excess;
    }
    if (*count > 1)
        qsort(*list, *count, sizeof **list, by_excess);
    return STATUS_OK;
}

/* What of which metrics the line is, in words. */
static void name_figure(struct explain_line *line, const struct explain_figure *g)
{
    const char *const *m = g->metric;

    if (g->form == EXPLAIN_RATIO)
        (void)snprintf(line->figure, sizeof line->figure, "(%s + %s) / (%s + %s)", m[0], m[1], m[2],
                       m[3]);
    else if (g->form == EXPLAIN_MISSING)
        (void)snprintf(line->figure, sizeof line->figure, "%s - %s", m[1], m[0]);
    else
        (void)snprintf(line->figure, sizeof line->figure, "%s%s%s", m[0], m[1] == NULL ? "" : " + ",
                       m[1] == NULL ? "" : m[1]);
}

static void add_symptom(struct reading *r, const struct candidate *candidate)
{
    const struct explain_figure *g = &explain_figures[candidate->figure];
    struct explain_line *line = explain_add_line(r->incident);

    if (line == NULL)
        return;
    r->figure_of[r->incident->line_count - 1] = candidate->figure;
    line->role = EXPLAIN_LINE_SYMPTOM;
    line->subject = candidate->subject;
    line->table = g->table;
    line->title = g->title;
    line->unit = g->unit;
    line->human = g->human;
    line->counter = g->form == EXPLAIN_RATE;
    name_figure(line, g);
}

/* --- their values --- */

static size_t want_metric(struct timeline *t, const char *name)
{
    size_t position = recording_metric(t->table, name);

    for (size_t i = 0; i < t->metric_count; i++)
        if (t->metric[i] == position)
            return i;
    if (position == SIZE_MAX)
        return SIZE_MAX;
    t->metric[t->metric_count] = position;
    return t->metric_count++;
}

static double amount(const struct explain_figure *g, const struct timeline_cell *cell, double scale)
{
    if (g->form == EXPLAIN_FLAG)
        return (double)cell->max * scale;
    if (g->form == EXPLAIN_RATE || g->form == EXPLAIN_RATIO)
        return (double)cell->increase * scale;
    return (cell->weight_ns > 0 ? (double)cell->sum / (double)cell->weight_ns : (double)cell->max) *
           scale;
}

static void add_row(struct reading *r, size_t line, size_t bucket, const struct timeline_row *row)
{
    const struct explain_figure *g = &explain_figures[r->figure_of[line]];

    for (size_t m = 0; m < EXPLAIN_METRICS && g->metric[m] != NULL; m++) {
        size_t number = want_metric(r->t, g->metric[m]);
        const struct timeline_cell *cell = &row->cell[number];

        if (!cell->present)
            continue;
        r->known[line][bucket] = true;
        r->sum[line][bucket][m] +=
            amount(g, cell, (double)r->t->table->metrics[r->t->metric[number]].scale);
        if ((double)cell->covered_ns / 1e9 > r->weight[line][bucket])
            r->weight[line][bucket] = (double)cell->covered_ns / 1e9;
    }
}

static enum status take(void *self, size_t bucket, const struct timeline_row rows[], size_t count,
                        struct error *err)
{
    struct reading *r = self;

    (void)err;
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; l < r->incident->line_count; l++) {
            const struct explain_line *line = &r->incident->line[l];
            int64_t id = r->e->subject[line->subject].entity_id;

            if (strcmp(line->table, r->table) == 0 &&
                (explain_figures[r->figure_of[l]].all || id == rows[i].key.id[0]))
                add_row(r, l, bucket, &rows[i]);
        }
    return STATUS_OK;
}

static double value_of(const struct explain_figure *g, const double sum[EXPLAIN_METRICS])
{
    if (g->form == EXPLAIN_RATIO)
        return sum[2] + sum[3] > 0 ? (sum[0] + sum[1]) / (sum[2] + sum[3]) : NAN;
    if (g->form == EXPLAIN_MISSING)
        return sum[1] - sum[0];
    return g->form == EXPLAIN_RATE ? sum[0] + sum[1] : sum[0];
}

/* Of a counter what it gained for a second, of a ratio what it is for each of. */
static double rate_of(const struct explain_figure *g, const double sum[EXPLAIN_METRICS],
                      double seconds)
{
    double of = g->form == EXPLAIN_RATIO ? sum[2] + sum[3] : value_of(g, sum);

    return seconds > 0 ? of / seconds : NAN;
}

static void settle(struct reading *r, size_t l)
{
    const struct explain_figure *g = &explain_figures[r->figure_of[l]];
    struct explain_line *line = &r->incident->line[l];
    double value[2], rate[2];
    bool known[2];

    for (size_t b = 0; b < 2; b++) {
        value[b] = value_of(g, r->sum[l][b]);
        rate[b] = rate_of(g, r->sum[l][b], r->weight[l][b]);
        known[b] = r->known[l][b] && !isnan(value[b]) && !(line->counter && isnan(rate[b]));
    }
    line->known_before = known[0];
    line->before = value[0];
    line->rate_before = rate[0];
    line->known = known[1];
    line->value = value[1];
    line->rate = rate[1];
}

/* The time before, and the incident. */
static enum status cut(struct timeline_buckets *b, const struct explain_incident *incident,
                       struct error *err)
{
    b->from_ns = incident->before.from_ns;
    b->end_ns = calloc(2, sizeof *b->end_ns);
    b->ticks = calloc(2, sizeof *b->ticks);
    if (b->end_ns == NULL || b->ticks == NULL)
        return error_set(err, STATUS_NO_MEMORY, "steps");
    b->end_ns[0] = incident->before.to_ns;
    b->end_ns[1] = incident->window.to_ns;
    b->count = 2;
    return STATUS_OK;
}

static enum status read_table(struct reading *r, struct error *err)
{
    static const struct select everyone = { .pid_count = 0 };
    struct subject part = *r->e->asked;
    struct timeline *t = calloc(1, sizeof *t);
    enum status st;

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "symptoms");
    r->t = t;
    part.window = (struct window){ r->incident->before.from_ns, r->incident->window.to_ns };
    t->by = TIMELINE_SERIES;
    t->select = &everyone;
    t->sink = (struct timeline_sink){ take, r };
    t->table = recording_table(part.recording, r->table);
    for (size_t l = 0; l < r->incident->line_count; l++)
        for (size_t m = 0; m < EXPLAIN_METRICS && strcmp(r->incident->line[l].table, r->table) == 0;
             m++)
            if (explain_figures[r->figure_of[l]].metric[m] != NULL)
                (void)want_metric(t, explain_figures[r->figure_of[l]].metric[m]);
    st = cut(&t->buckets, r->incident, err);
    if (st == STATUS_OK)
        st = timeline_read(t, &part, err);
    timeline_release(t);
    free(t);
    return st;
}

static enum status read_tables(struct reading *r, struct error *err)
{
    for (size_t l = 0; l < r->incident->line_count; l++) {
        bool done = false;

        r->table = r->incident->line[l].table;
        for (size_t i = 0; i < l; i++)
            done |= strcmp(r->incident->line[i].table, r->table) == 0;
        if (!done && read_table(r, err) != STATUS_OK)
            return err->status;
    }
    for (size_t l = 0; l < r->incident->line_count; l++)
        settle(r, l);
    return STATUS_OK;
}

enum status explain_symptoms(const struct explain *e, struct explain_incident *incident,
                             struct error *err)
{
    struct candidate *list = NULL;
    size_t count = 0;
    struct reading *r = calloc(1, sizeof *r);
    enum status st = r == NULL ? error_set(err, STATUS_NO_MEMORY, "symptoms") : STATUS_OK;

    if (st == STATUS_OK)
        st = collect(e, incident, &list, &count, err);
    if (st == STATUS_OK) {
        r->e = e;
        r->incident = incident;
        for (size_t i = 0; i < count && i < SYMPTOMS_MAX; i++)
            add_symptom(r, &list[i]);
        st = read_tables(r, err);
    }
    free(list);
    free(r);
    return st;
}

bool explain_is_loaded(const struct explain *e, const struct explain_incident *incident,
                       size_t subject)
{
    (void)e;
    for (size_t l = 0; l < incident->line_count; l++) {
        const struct explain_line *line = &incident->line[l];

        if (line->role == EXPLAIN_LINE_SYMPTOM && line->subject == subject &&
            strchr(line->figure, '/') != NULL && line->known)
            return line->known_before && line->rate > LOADED * line->rate_before;
    }
    return false;
}
