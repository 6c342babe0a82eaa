/* Timelines of what may grow, by process -> services, one process after the other -> their trends. */
#include "analyzer/growth.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/group_key.h"

#define HOUR_NS 3600e9
#define SECOND_NS INT64_C(1000000000)

enum { STEPS = 60 };

const struct growth_figure growth_figures[] = {
    { "resident memory", "bytes", "process_samples", "resident_bytes", true, 950e3, 950e3 },
    { "footprint", "bytes", "process_samples", "footprint_bytes", true, 950e3, 950e3 },
    { "threads", "", "process_samples", "threads", false, 1, 4 },
    { "open files", "", "process_detail_samples", "open_fds", false, 1, 4 },
    { "sockets", "", "process_detail_samples", "sockets", false, 1, 4 },
};
const size_t growth_figure_count = COUNT_OF(growth_figures);

/* Of one process in one step. */
struct value {
    int64_t process_id;
    int64_t last_ns;
    const struct recording_block *block;
    double x, y;
};

/* The values of one process. */
struct life {
    size_t first, count; /* values */
    int64_t pid, from_ns, to_ns;
    char *key; /* its lineage; NULL: not known */
    size_t key_size;
    size_t after; /* life + 1 that goes before it in its service; 0: it is the first */
    bool followed;
};

struct gathering {
    struct growth *g;
    size_t figure;
    struct timeline t;
    struct value *value;
    size_t count, size;
    struct life *life;
    size_t life_count;
};

/* --- values --- */

static enum status take_bucket(void *self, size_t bucket, const struct timeline_row rows[],
                               size_t count, struct error *err)
{
    struct gathering *f = self;
    const struct timeline_buckets *b = &f->t.buckets;
    int64_t from_ns = timeline_bucket_from(b, bucket);
    double middle_ns = (double)(from_ns - b->from_ns) + (double)(b->end_ns[bucket] - from_ns) / 2;

    if (f->count + count > f->size) {
        size_t size = (f->count + count) * 2;
        struct value *larger = realloc(f->value, size * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "%zu values", size);
        f->value = larger;
        f->size = size;
    }
    for (size_t i = 0; i < count; i++) {
        const struct timeline_cell *cell = &rows[i].cell[0];

        if (cell->weight_ns > 0)
            f->value[f->count++] =
                (struct value){ .process_id = rows[i].key.id[0],
                                .last_ns = rows[i].last_ns,
                                .block = rows[i].block,
                                .x = middle_ns / HOUR_NS,
                                .y = (double)cell->sum / (double)cell->weight_ns };
    }
    return STATUS_OK;
}

static int by_process(const void *a, const void *b)
{
    const struct value *x = a, *y = b;

    if (x->process_id != y->process_id)
        return x->process_id < y->process_id ? -1 : 1;
    return (x->x > y->x) - (x->x < y->x);
}

/* --- lives --- */

static enum status name_life(struct gathering *f, struct life *life, struct groups *groups,
                             struct error *err)
{
    const struct value *last = &f->value[life->first + life->count - 1];
    const struct process *p;
    struct text key;

    if (recording_process(f->g->asked->recording, last->block, last->process_id, &p, err) !=
            STATUS_OK ||
        group_key(groups, p, process_version_at(p, last->last_ns), &key, err) != STATUS_OK)
        return err->status;
    life->pid = p->pid;
    if (key.data == NULL)
        return STATUS_OK;
    life->key = malloc(key.size + 1);
    if (life->key == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a name");
    memcpy(life->key, key.data, key.size);
    life->key_size = key.size;
    return STATUS_OK;
}

static enum status find_lives(struct gathering *f, struct error *err)
{
    struct groups groups = { .by = BY_LINEAGE,
                             .recording = f->g->asked->recording,
                             .total_count = 1 };
    enum status st = groups_begin(&groups, err);

    if (f->count > 1)
        qsort(f->value, f->count, sizeof *f->value, by_process);
    f->life = calloc(f->count + 1, sizeof *f->life);
    if (st == STATUS_OK && f->life == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "%zu processes", f->count);
    for (size_t first = 0, end; first < f->count && st == STATUS_OK; first = end) {
        for (end = first; end < f->count && f->value[end].process_id == f->value[first].process_id;)
            end++;
        if (end - first < 2) /* one value has no slope */
            continue;
        f->life[f->life_count] = (struct life){ .first = first,
                                                .count = end - first,
                                                .from_ns = (int64_t)(f->value[first].x * HOUR_NS),
                                                .to_ns = (int64_t)(f->value[end - 1].x * HOUR_NS) };
        st = name_life(f, &f->life[f->life_count], &groups, err);
        f->life_count++;
    }
    groups_release(&groups);
    return st;
}

static int by_service(const void *a, const void *b)
{
    const struct life *x = a, *y = b;
    size_t size = x->key_size < y->key_size ? x->key_size : y->key_size;
    int order = size == 0 ? 0 : memcmp(x->key, y->key, size);

    if (order == 0)
        order = (x->key_size > y->key_size) - (x->key_size < y->key_size);
    if (order == 0)
        order = (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
    return order != 0 ? order : (x->first > y->first) - (x->first < y->first);
}

/* Who begins when another of its lineage has ended goes on where that one was: the latest to end. */
static void chain(struct gathering *f)
{
    size_t begin = 0; /* of the lineage */

    if (f->life_count > 1)
        qsort(f->life, f->life_count, sizeof *f->life, by_service);
    for (size_t i = 0; i < f->life_count; i++) {
        struct life *life = &f->life[i];
        size_t before = 0;

        if (i > 0 && (life->key_size != f->life[i - 1].key_size || life->key_size == 0 ||
                      memcmp(life->key, f->life[i - 1].key, life->key_size) != 0))
            begin = i;
        for (size_t k = begin; k < i; k++)
            if (!f->life[k].followed && f->life[k].to_ns <= life->from_ns &&
                (before == 0 || f->life[k].to_ns > f->life[before - 1].to_ns))
                before = k + 1;
        life->after = before;
        if (before != 0)
            f->life[before - 1].followed = true;
    }
}

/* --- rows --- */

static enum status add_row(struct growth *g, const struct growth_row *row, struct error *err)
{
    if (g->row_count == g->row_size) {
        size_t size = g->row_size == 0 ? 64 : g->row_size * 2;
        struct growth_row *larger = realloc(g->row, size * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "%zu rows", size);
        g->row = larger;
        g->row_size = size;
    }
    g->row[g->row_count++] = *row;
    return STATUS_OK;
}

/* The points of a service, of which that life is the last. owns: free() */
static struct trend_point *points_of(const struct gathering *f, size_t last, size_t *count,
                                     size_t *lives)
{
    struct trend_point *point;
    size_t at;

    *count = *lives = 0;
    for (size_t i = last + 1; i != 0; i = f->life[i - 1].after) {
        *count += f->life[i - 1].count;
        (*lives)++;
    }
    point = malloc((*count + 1) * sizeof *point);
    at = *count;
    for (size_t i = last + 1, part = *lives; point != NULL && i != 0; i = f->life[i - 1].after) {
        const struct life *life = &f->life[i - 1];

        part--;
        for (size_t k = life->count; k > 0; k--) {
            const struct value *v = &f->value[life->first + k - 1];

            point[--at] = (struct trend_point){ v->x, v->y, (unsigned)part };
        }
    }
    return point;
}

static void judge(const struct growth *g, struct growth_row *row)
{
    const struct growth_figure *figure = &growth_figures[row->figure];
    const struct trend *t = &row->trend;

    row->grows = t->z >= GROWTH_Z_LEAST && t->low > 0 && t->holds &&
                 t->slope >= figure->least_an_hour && t->rise >= figure->least;
    row->limited = figure->memory && g->available >= 0 && t->slope > 0;
    if (row->limited) {
        row->left = g->available;
        row->hours = row->left / t->slope;
    }
}

/* With a name of its own. */
static enum status keep_row(struct growth *g, struct growth_row *row, const struct life *life,
                            struct error *err)
{
    enum status st;

    if (life->key != NULL) {
        row->who = malloc(life->key_size + 1);
        if (row->who == NULL)
            return error_set(err, STATUS_NO_MEMORY, "a name");
        memcpy(row->who, life->key, life->key_size);
        row->who_size = life->key_size;
    }
    st = add_row(g, row, err);
    if (st != STATUS_OK)
        free(row->who);
    return st;
}

static enum status add_service(struct gathering *f, size_t last, struct error *err)
{
    const struct life *life = &f->life[last];
    struct growth_row row = { .figure = f->figure,
                              .process_id = f->value[life->first].process_id,
                              .pid = life->pid };
    size_t count;
    struct trend_point *point = points_of(f, last, &count, &row.processes);
    int64_t origin_ns = f->t.buckets.from_ns;
    enum status st;

    if (point == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu points", count);
    f->g->series_count++;
    st = trend_find(point, count, &row.trend, err);
    if (st == STATUS_OK && count > 0) {
        row.begin = point[0].y;
        row.end = point[count - 1].y;
        row.from_ns = origin_ns + (int64_t)(point[0].x * HOUR_NS);
        row.to_ns = origin_ns + (int64_t)(point[count - 1].x * HOUR_NS);
        judge(f->g, &row);
        if (row.grows || f->g->all)
            st = keep_row(f->g, &row, life, err);
    }
    free(point);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* --- reading --- */

int64_t growth_step(const struct window *window)
{
    int64_t step_ns = (window->to_ns - window->from_ns) / STEPS;

    return (step_ns / SECOND_NS + 1) * SECOND_NS;
}

static enum status cut(const struct growth *g, struct timeline *t, struct error *err)
{
    struct window window = g->asked->window;

    if (g->asked->whole && g->asked->first_ns > INT64_MIN)
        window.from_ns = g->asked->first_ns - 1;
    return timeline_buckets_cut(&t->buckets, &window,
                                g->step_ns > 0 ? g->step_ns : growth_step(&window), &g->asked->zone,
                                err);
}

static bool find_metric(struct timeline *t, const struct subject *subject, const char *table,
                        const char *metric)
{
    t->table = recording_table(subject->recording, table);
    for (size_t m = 0; t->table != NULL && m < t->table->metric_count; m++)
        if (strcmp(t->table->metrics[m].name, metric) == 0) {
            t->metric[0] = m;
            t->metric_count = 1;
            return true;
        }
    return false;
}

static enum status read_figure(struct growth *g, size_t figure, struct error *err)
{
    const struct growth_figure *what = &growth_figures[figure];
    struct gathering *f = calloc(1, sizeof *f);
    enum status st = STATUS_OK;

    if (f == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", what->title);
    f->g = g;
    f->figure = figure;
    f->t.by = TIMELINE_SERIES;
    f->t.select = g->select;
    f->t.sink.bucket = take_bucket;
    f->t.sink.self = f;
    if (find_metric(&f->t, g->asked, what->table, what->metric)) {
        st = cut(g, &f->t, err);
        if (st == STATUS_OK)
            st = timeline_read(&f->t, g->asked, err);
        if (st == STATUS_OK)
            st = find_lives(f, err);
        if (st == STATUS_OK)
            chain(f);
        for (size_t i = 0; i < f->life_count && st == STATUS_OK; i++)
            if (!f->life[i].followed)
                st = add_service(f, i, err);
    }
    g->missing[figure] = f->count == 0;
    if (figure == 0) {
        g->coverage = f->t.coverage;
        g->resets = f->t.resets;
    }
    for (size_t i = 0; f->life != NULL && i < f->life_count; i++)
        free(f->life[i].key);
    free(f->life);
    free(f->value);
    timeline_release(&f->t);
    free(f);
    return st;
}

/* What the host had left at the end. */
static enum status take_available(void *self, size_t bucket, const struct timeline_row rows[],
                                  size_t count, struct error *err)
{
    struct growth *g = self;
    (void)bucket;
    (void)err;

    if (count == 1 && rows[0].cell[0].weight_ns > 0)
        g->available = (double)rows[0].cell[0].sum / (double)rows[0].cell[0].weight_ns;
    return STATUS_OK;
}

static enum status read_available(struct growth *g, struct error *err)
{
    static const struct select all;
    struct timeline *t = calloc(1, sizeof *t);
    enum status st = STATUS_OK;

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "memory");
    g->available = -1;
    t->by = TIMELINE_TOTAL;
    t->select = &all;
    t->sink.bucket = take_available;
    t->sink.self = g;
    if (find_metric(t, g->asked, "memory_samples", "available_bytes"))
        st = cut(g, t, err);
    if (st == STATUS_OK && t->metric_count > 0)
        st = timeline_read(t, g->asked, err);
    timeline_release(t);
    free(t);
    return st;
}

static int by_growth(const void *a, const void *b)
{
    const struct growth_row *x = a, *y = b;

    if (x->grows != y->grows)
        return x->grows ? -1 : 1;
    if (x->figure != y->figure)
        return x->figure < y->figure ? -1 : 1;
    if (x->trend.slope < y->trend.slope || x->trend.slope > y->trend.slope)
        return x->trend.slope > y->trend.slope ? -1 : 1;
    return (x->process_id > y->process_id) - (x->process_id < y->process_id);
}

enum status growth_read(struct growth *g, struct error *err)
{
    enum status st = read_available(g, err);

    for (size_t i = 0; i < growth_figure_count && st == STATUS_OK; i++)
        st = read_figure(g, i, err);
    if (st == STATUS_OK && g->row_count > 1)
        qsort(g->row, g->row_count, sizeof *g->row, by_growth);
    return st;
}

void growth_release(struct growth *g)
{
    for (size_t i = 0; i < g->row_count; i++)
        free(g->row[i].who);
    free(g->row);
    g->row = NULL;
    g->row_count = 0;
}
