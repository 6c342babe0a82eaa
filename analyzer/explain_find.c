/*
 * Goes over the steps of each table once, as `timeline` has them, and compares every figure with the 60
 * steps before. In a moment that was asked for, all its steps are compared with those before the moment.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/explain_private.h"
#include "analyzer/progress.h"
#include "analyzer/timeline.h"

#define SECOND_NS INT64_C(1000000000)

enum {
    NUMBERS = 8,         /* metrics of a table that figures are made of */
    LEAST_REQUESTS = 10, /* fewer say nothing of how long one takes */
    LEAST_RATIO = 3,     /* times as long as usual: less is no fault */
    LEAST_PART = 6,      /* of a step: shorter ones are passed over */
};

/* One table while its steps come in. */
struct finder {
    struct explain *e;
    struct timeline *t;
    size_t first, end;                        /* figures */
    size_t number[EXPLAIN_METRICS * NUMBERS]; /* [figure][metric] in t->metric; SIZE_MAX: none */
    bool there[NUMBERS];                      /* [figure] the recording has its metrics */
    struct explain_watch *watch;              /* [row][figure] */
    size_t watch_size;                        /* rows */
    uint32_t *row_of;                         /* entities: hash of row + 1 */
    int64_t *id;                              /* [row] */
    size_t row_count, hash_size;
    uint32_t known; /* steps with samples so far */
    double whole[NUMBERS];
};

double explain_whole(const struct explain *e, const struct explain_figure *figure)
{
    if (figure->whole == EXPLAIN_OF_CORES)
        return e->cores * (double)SECOND_NS;
    return figure->whole == EXPLAIN_OF_MEMORY ? e->memory_bytes : figure->size;
}

enum status explain_subject(struct explain *e, const struct explain_subject *like, size_t *number,
                            struct error *err)
{
    struct explain_subject *s;
    char *name;

    for (*number = 0; *number < e->subject_count; (*number)++) {
        s = &e->subject[*number];
        if (s->lineage == like->lineage && s->entity_id == like->entity_id &&
            s->name.size == like->name.size &&
            memcmp(s->name.data, like->name.data, s->name.size) == 0)
            return STATUS_OK;
    }
    if (e->subject_count == e->subject_size) {
        size_t more = e->subject_size == 0 ? 64 : e->subject_size * 2;

        s = realloc(e->subject, more * sizeof *s);
        if (s == NULL)
            return error_set(err, STATUS_NO_MEMORY, "%zu subjects", more);
        e->subject = s;
        e->subject_size = more;
    }
    name = malloc(like->name.size + 1);
    if (name == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a name");
    memcpy(name, like->name.data, like->name.size);
    e->subject[e->subject_count] = *like;
    e->subject[e->subject_count++].name.data = name;
    return STATUS_OK;
}

/* --- values --- */

static size_t number_of(const struct finder *f, size_t figure, size_t metric)
{
    return f->number[(figure - f->first) * EXPLAIN_METRICS + metric];
}

static double gained(const struct finder *f, size_t number, const struct timeline_cell *cell)
{
    return (double)cell->increase * (double)f->t->table->metrics[f->t->metric[number]].scale;
}

static double level(const struct finder *f, size_t number, const struct timeline_cell *cell)
{
    double scale = (double)f->t->table->metrics[f->t->metric[number]].scale;

    return cell->weight_ns > 0 ? (double)cell->sum / (double)cell->weight_ns * scale
           : cell->present     ? (double)cell->max * scale
                               : NAN;
}

/* covered_ns: of a lineage, what the step covers; 0: what the row does. */
static double rate(const struct finder *f, size_t figure, const struct timeline_cell cells[],
                   int64_t covered_ns)
{
    double sum = 0;
    bool known = false;

    for (size_t m = 0; m < EXPLAIN_METRICS && explain_figures[figure].metric[m] != NULL; m++) {
        size_t number = number_of(f, figure, m);
        int64_t ns = covered_ns > 0 ? covered_ns : cells[number].covered_ns;

        if (!cells[number].present || ns <= 0)
            continue;
        known = true;
        sum += gained(f, number, &cells[number]) * (double)SECOND_NS / (double)ns;
    }
    return known ? sum : NAN;
}

/* NAN: not known */
static double value_of(const struct finder *f, size_t figure, const struct timeline_cell cells[],
                       int64_t covered_ns)
{
    const struct explain_figure *g = &explain_figures[figure];
    const struct timeline_cell *first = &cells[number_of(f, figure, 0)];
    double requests;

    switch (g->form) {
    case EXPLAIN_RATE:
        return rate(f, figure, cells, covered_ns);
    case EXPLAIN_LEVEL:
        return level(f, number_of(f, figure, 0), first);
    case EXPLAIN_MISSING:
        return level(f, number_of(f, figure, 1), &cells[number_of(f, figure, 1)]) -
               level(f, number_of(f, figure, 0), first);
    case EXPLAIN_FLAG:
        return first->present ? (double)first->max >= g->least : NAN;
    default:
        requests = gained(f, number_of(f, figure, 2), &cells[number_of(f, figure, 2)]) +
                   gained(f, number_of(f, figure, 3), &cells[number_of(f, figure, 3)]);
        return requests < LEAST_REQUESTS
                   ? NAN
                   : (gained(f, number_of(f, figure, 0), first) +
                      gained(f, number_of(f, figure, 1), &cells[number_of(f, figure, 1)])) /
                         requests;
    }
}

/* --- rows --- */

static enum status reserve_rows(struct finder *f, size_t count, struct error *err)
{
    size_t figures = f->end - f->first, size = f->watch_size == 0 ? 256 : f->watch_size;
    struct explain_watch *larger;

    if (count <= f->watch_size)
        return STATUS_OK;
    while (size < count)
        size *= 2;
    larger = realloc(f->watch, size * figures * sizeof *larger);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "figures of %zu rows", size);
    memset(larger + f->watch_size * figures, 0, (size - f->watch_size) * figures * sizeof *larger);
    f->watch = larger;
    f->watch_size = size;
    return STATUS_OK;
}

static enum status grow_hash(struct finder *f, struct error *err)
{
    size_t size = f->hash_size == 0 ? 256 : f->hash_size * 2;
    int64_t *id = realloc(f->id, size * sizeof *id);
    uint32_t *row_of = calloc(size, sizeof *row_of);

    if (id != NULL)
        f->id = id;
    if (id == NULL || row_of == NULL) {
        free(row_of);
        return error_set(err, STATUS_NO_MEMORY, "%zu entities", size);
    }
    free(f->row_of);
    f->row_of = row_of;
    f->hash_size = size;
    for (size_t i = 0; i < f->row_count; i++) {
        size_t at = (uint64_t)f->id[i] * UINT64_C(0x9e3779b97f4a7c15) % size;

        while (f->row_of[at] != 0)
            at = (at + 1) % size;
        f->row_of[at] = (uint32_t)i + 1;
    }
    return STATUS_OK;
}

static enum status find_row(struct finder *f, int64_t id, size_t *row, struct error *err)
{
    size_t at;

    if (f->row_count * 2 >= f->hash_size && grow_hash(f, err) != STATUS_OK)
        return err->status;
    at = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) % f->hash_size;
    for (; f->row_of[at] != 0; at = (at + 1) % f->hash_size) {
        *row = f->row_of[at] - 1;
        if (f->id[*row] == id)
            return STATUS_OK;
    }
    *row = f->row_count++;
    f->id[*row] = id;
    f->row_of[at] = (uint32_t)*row + 1;
    return reserve_rows(f, f->row_count, err);
}

/* --- findings --- */

static enum status find_subject(struct finder *f, const struct timeline_row *row, size_t *number,
                                struct error *err)
{
    struct explain_subject like = { .lineage = f->t->by == TIMELINE_NAME };
    const struct recording_entity *entity;

    if (like.lineage) {
        like.name = f->t->groups.group[row->key.id[0]].key;
    } else if (f->t->by == TIMELINE_SERIES && row->key.id[0] != 0) {
        entity = recording_entity(f->e->asked->recording, row->key.id[0]);
        like.entity_id = row->key.id[0];
        like.kind = entity == NULL ? ENTITY_NONE : entity->kind;
        like.name.data = entity == NULL             ? "?"
                         : entity->label[0] != '\0' ? entity->label
                                                    : entity->key;
        like.name.size = (uint32_t)strlen(like.name.data);
    }
    if (like.name.data == NULL) {
        like.name.data = like.lineage ? "?" : "host";
        like.name.size = (uint32_t)strlen(like.name.data);
    }
    return explain_subject(f->e, &like, number, err);
}

static enum status add_finding(struct explain *e, const struct explain_finding *finding,
                               struct error *err)
{
    if (e->finding_count == e->finding_size) {
        size_t more = e->finding_size == 0 ? 256 : e->finding_size * 2;
        struct explain_finding *larger = realloc(e->finding, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "%zu findings", more);
        e->finding = larger;
        e->finding_size = more;
    }
    e->finding[e->finding_count++] = *finding;
    return STATUS_OK;
}

/* Is the value more than usual, and by enough? */
static bool stands_out(const struct finder *f, size_t figure, const struct explain_watch *watch,
                       struct explain_finding *found)
{
    const struct explain_figure *g = &explain_figures[figure];
    double whole = f->whole[figure - f->first], spread;

    if (!(whole > 0) || found->value / whole < g->floor)
        return false;
    if (explain_watch_usual(watch, f->known, g->role == EXPLAIN_USE, &found->usual, &spread) <
        EXPLAIN_BEFORE_LEAST)
        return false;
    found->excess = (found->value - found->usual) / whole;
    if (g->form == EXPLAIN_RATIO && found->value < LEAST_RATIO * found->usual)
        return false;
    if (found->excess > 1)
        found->excess = 1;
    return found->excess >= g->floor && found->value - found->usual > EXPLAIN_SPREADS * spread;
}

static enum status judge(struct finder *f, size_t step, size_t figure, size_t row,
                         const struct timeline_row *at, double value, struct error *err)
{
    struct explain_watch *watch = &f->watch[row * (f->end - f->first) + (figure - f->first)];
    struct explain_finding found = { .step = step, .figure = figure, .value = value };
    bool judged = step >= f->e->from_step;

    if (isnan(value))
        return STATUS_OK;
    f->e->felt_known[explain_figures[figure].resource] |= explain_figures[figure].feels;
    if (judged && stands_out(f, figure, watch, &found)) {
        if (find_subject(f, at, &found.subject, err) != STATUS_OK ||
            add_finding(f->e, &found, err) != STATUS_OK)
            return err->status;
    }
    if (!judged || !f->e->moment)
        explain_watch_put(watch, f->known, value);
    return STATUS_OK;
}

/* --- steps --- */

static const char *key_of(const struct finder *f, const struct timeline_row *row)
{
    const struct recording_entity *entity =
        recording_entity(f->e->asked->recording, row->key.id[0]);

    return entity == NULL ? "" : entity->key;
}

static bool is_of(const struct finder *f, size_t figure, const char *key)
{
    const struct explain_figure *g = &explain_figures[figure];

    if (!f->there[figure - f->first])
        return false;
    if (g->key != NULL)
        return strcmp(g->key, key) == 0;
    return g->resource != EXPLAIN_NETWORK || strcmp(key, "lo") != 0;
}

static enum status take_row(struct finder *f, size_t step, const struct timeline_row *at,
                            int64_t covered_ns, double sums[NUMBERS], struct error *err)
{
    bool lineage = f->t->by == TIMELINE_NAME;
    const char *key = lineage ? "" : key_of(f, at);
    size_t row = (size_t)at->key.id[0];

    if ((lineage ? reserve_rows(f, row + 1, err) : find_row(f, at->key.id[0], &row, err)) !=
        STATUS_OK)
        return err->status;
    for (size_t g = f->first; g < f->end; g++) {
        double value;

        if (!is_of(f, g, key))
            continue;
        value = value_of(f, g, at->cell, lineage ? covered_ns : 0);
        if (explain_figures[g].all && !isnan(value))
            sums[g - f->first] = isnan(sums[g - f->first]) ? value : sums[g - f->first] + value;
        else if (!explain_figures[g].all && judge(f, step, g, row, at, value, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static int64_t covered_of(const struct finder *f, const struct timeline_row rows[], size_t count)
{
    int64_t covered_ns = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t m = 0; m < f->t->metric_count; m++)
            if (rows[i].cell[m].covered_ns > covered_ns)
                covered_ns = rows[i].cell[m].covered_ns;
    return covered_ns;
}

static enum status take(void *self, size_t step, const struct timeline_row rows[], size_t count,
                        struct error *err)
{
    struct finder *f = self;
    const struct timeline_row host = { .key = { .id = { 0, 0 } } };
    int64_t covered_ns = covered_of(f, rows, count);
    double sums[NUMBERS];
    size_t row;

    if (count == 0 || covered_ns < f->e->step_ns / LEAST_PART)
        return STATUS_OK;
    for (size_t g = 0; g < NUMBERS; g++)
        sums[g] = NAN;
    for (size_t i = 0; i < count; i++)
        if (take_row(f, step, &rows[i], covered_ns, sums, err) != STATUS_OK)
            return err->status;
    for (size_t g = f->first; g < f->end; g++)
        if (explain_figures[g].all &&
            (find_row(f, 0, &row, err) != STATUS_OK ||
             judge(f, step, g, row, &host, sums[g - f->first], err) != STATUS_OK))
            return err->status;
    if (strcmp(f->t->table->name, "process_samples") == 0 && step >= f->e->from_step &&
        f->known >= EXPLAIN_BEFORE_LEAST)
        f->e->judged++;
    if (step < f->e->from_step || !f->e->moment)
        f->known++;
    return STATUS_OK;
}

/* --- tables --- */

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

/* The figures of one table; false: the recording has none of them. */
static bool prepare(struct finder *f)
{
    const struct explain_figure *g = explain_figures;
    bool any = false;

    f->t->table = recording_table(f->e->asked->recording, g[f->first].table);
    if (f->t->table == NULL)
        return false;
    for (size_t i = f->first; i < f->end; i++) {
        bool there = true;

        for (size_t m = 0; m < EXPLAIN_METRICS && g[i].metric[m] != NULL; m++) {
            size_t number = want_metric(f->t, g[i].metric[m]);

            f->number[(i - f->first) * EXPLAIN_METRICS + m] = number;
            there &= number != SIZE_MAX;
        }
        f->there[i - f->first] = there;
        f->whole[i - f->first] = explain_whole(f->e, &g[i]);
        any |= there;
    }
    return any;
}

static enum status copy_steps(struct timeline_buckets *to, const struct timeline_buckets *from,
                              struct error *err)
{
    *to = (struct timeline_buckets){ .from_ns = from->from_ns, .count = from->count };
    to->end_ns = malloc((from->count + 1) * sizeof *to->end_ns);
    to->ticks = calloc(from->count + 1, sizeof *to->ticks);
    if (to->end_ns == NULL || to->ticks == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu steps", from->count);
    memcpy(to->end_ns, from->end_ns, from->count * sizeof *to->end_ns);
    return STATUS_OK;
}

static enum status read_table(struct finder *f, struct error *err)
{
    static const struct select everyone = { .pid_count = 0 };
    struct subject part = *f->e->asked;
    struct timeline *t = calloc(1, sizeof *t);
    enum status st = STATUS_OK;

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "steps");
    f->t = t;
    part.window = (struct window){ f->e->steps.from_ns, f->e->steps.end_ns[f->e->steps.count - 1] };
    t->by = explain_figures[f->first].role == EXPLAIN_USE ? TIMELINE_NAME : TIMELINE_SERIES;
    t->name = BY_LINEAGE;
    t->select = &everyone;
    t->sink = (struct timeline_sink){ take, f };
    if (prepare(f)) {
        st = copy_steps(&t->buckets, &f->e->steps, err);
        if (st == STATUS_OK)
            st = timeline_read(t, &part, err);
        if (strcmp(t->table->name, "process_samples") == 0)
            f->e->coverage = t->coverage;
    }
    timeline_release(t);
    free(t);
    return st;
}

static enum status find_in_table(struct explain *e, size_t first, size_t end, struct error *err)
{
    struct finder f = { .e = e, .first = first, .end = end };
    enum status st = read_table(&f, err);

    free(f.watch);
    free(f.row_of);
    free(f.id);
    return st;
}

/* --- all of them --- */

enum status explain_find(struct explain *e, struct error *err)
{
    size_t end, pass = 0, passes = 0;

    explain_find_host(e);
    if (explain_cut_steps(e, err) != STATUS_OK)
        return err->status;
    for (size_t first = 0; first < explain_figure_count; first = end, passes++)
        for (end = first; end < explain_figure_count &&
                          strcmp(explain_figures[end].table, explain_figures[first].table) == 0;)
            end++;
    for (size_t first = 0; first < explain_figure_count; first = end) {
        for (end = first; end < explain_figure_count &&
                          strcmp(explain_figures[end].table, explain_figures[first].table) == 0;)
            end++;
        progress_pass(pass++, passes);
        if (find_in_table(e, first, end, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}
