/* Charts of what is not of processes: series of any table as timeline has them, those with most of each. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/energy.h"
#include "analyzer/page.h"
#include "analyzer/page_pack.h"
#include "analyzer/page_writer.h"
#include "analyzer/timeline.h"

enum { METRICS_MOST = 4, MEAN_PARTS = 64 };

static const struct chart {
    const char *id, *title, *table, *collector;
    const char *metric[METRICS_MOST], *word[METRICS_MOST];
    size_t entities; /* with most of them; 0: the table has one */
} charts[] = {
    { "memory",
      "Memory of the host",
      "memory_samples",
      "memory",
      { "total_bytes", "available_bytes", "anonymous_bytes", "cached_bytes" },
      { "total", "available", "anonymous", "cached" },
      0 },
    { "pressure",
      "Pressure: time in which tasks waited",
      "pressure_samples",
      "pressure",
      { "some_us_total", "full_us_total" },
      { "some", "full" },
      4 },
    { "disk",
      "Disks",
      "disk_samples",
      "disk",
      { "read_bytes_total", "written_bytes_total" },
      { "read", "written" },
      3 },
    { "network",
      "Network",
      "network_samples",
      "network",
      { "received_bytes_total", "sent_bytes_total" },
      { "received", "sent" },
      3 },
};

/* One entity's metric by bucket. */
struct course {
    int64_t *covered_ns; /* [bucket] 0: nothing is known; NULL: never was anything */
    int64_t *value;      /* increase, or mean in 64ths */
    int64_t *min, *max;
};

struct entity {
    int64_t id;
    double most; /* sum of all values */
    struct course course[METRICS_MOST];
};

struct reading {
    const struct page *page;
    const struct chart *chart;
    struct timeline *t;
    struct entity *entity;
    size_t count, size;
};

static enum status find(struct reading *r, int64_t id, struct entity **entity, struct error *err)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->entity[i].id == id) {
            *entity = &r->entity[i];
            return STATUS_OK;
        }
    if (r->count == r->size) {
        size_t more = r->size * 2 + 8;
        struct entity *larger = realloc(r->entity, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "series of a chart");
        r->entity = larger;
        r->size = more;
    }
    *entity = &r->entity[r->count++];
    **entity = (struct entity){ .id = id };
    return STATUS_OK;
}

static enum status reserve(struct course *s, size_t buckets, struct error *err)
{
    if (s->covered_ns != NULL)
        return STATUS_OK;
    s->covered_ns = calloc(buckets * 4, sizeof *s->covered_ns);
    if (s->covered_ns == NULL)
        return error_set(err, STATUS_NO_MEMORY, "series of a chart");
    s->value = s->covered_ns + buckets;
    s->min = s->value + buckets;
    s->max = s->min + buckets;
    return STATUS_OK;
}

static enum metric_kind kind_of(const struct timeline *t, size_t number)
{
    return t->table->metrics[t->metric[number]].kind;
}

/* Nearest 64th of a gauge's mean. */
static int64_t mean_parts(const struct timeline_cell *cell)
{
    int128 parts = cell->sum * MEAN_PARTS;

    return (int64_t)((parts + (parts < 0 ? -1 : 1) * (int128)(cell->weight_ns / 2)) /
                     cell->weight_ns);
}

static enum status take_bucket(void *self, size_t bucket, const struct timeline_row rows[],
                               size_t count, struct error *err)
{
    struct reading *r = self;

    for (size_t i = 0; i < count; i++) {
        struct entity *entity;

        if (find(r, rows[i].key.id[0], &entity, err) != STATUS_OK)
            return err->status;
        for (size_t m = 0; m < r->t->metric_count; m++) {
            const struct timeline_cell *cell = &rows[i].cell[m];
            bool counter = kind_of(r->t, m) == METRIC_COUNTER;
            struct course *s = &entity->course[m];
            int64_t time_ns = counter ? cell->covered_ns : cell->weight_ns;

            if (time_ns <= 0 || !cell->ranged)
                continue;
            if (reserve(s, r->page->buckets.count, err) != STATUS_OK)
                return err->status;
            s->covered_ns[bucket] = time_ns;
            s->value[bucket] = counter ? cell->increase : mean_parts(cell);
            s->min[bucket] = cell->min;
            s->max[bucket] = cell->max;
            entity->most += (double)s->value[bucket];
        }
    }
    return STATUS_OK;
}

static int by_most(const void *a, const void *b)
{
    const struct entity *x = a, *y = b;

    if (x->most != y->most)
        return x->most > y->most ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static enum status read_chart(struct reading *r, struct error *err)
{
    const struct page *page = r->page;
    struct timeline *t = r->t;
    struct subject part = *page->subject;
    enum status st;

    t->table = recording_table(part.recording, r->chart->table);
    if (t->table == NULL)
        return STATUS_OK;
    for (size_t m = 0; m < METRICS_MOST && r->chart->metric[m] != NULL; m++) {
        t->metric[m] = recording_metric(t->table, r->chart->metric[m]);
        if (t->metric[m] == SIZE_MAX)
            return STATUS_OK; /* of another version: not drawn */
        t->metric_count++;
    }
    part.window = page->charted;
    t->by = TIMELINE_SERIES;
    t->select = &page->everyone;
    t->sink = (struct timeline_sink){ take_bucket, r };
    st = timeline_buckets_cut(&t->buckets, &page->charted, page->step_ns, &part.zone, err);
    if (st == STATUS_OK)
        st = timeline_read(t, &part, err);
    if (st == STATUS_OK && r->count > 1)
        qsort(r->entity, r->count, sizeof *r->entity, by_most);
    return st;
}

/* What a stored increase per ns, and a stored rate per second, are in the chart's unit. */
static void put_unit(struct json *j, const struct recording_metric *metric)
{
    double scale = (double)metric->scale;
    bool ns = strcmp(metric->unit, "ns") == 0, us = strcmp(metric->unit, "us") == 0;

    json_bool(j, "rate", metric->kind == METRIC_COUNTER);
    json_text(j, "unit",
              ns || us                             ? "percent"
              : metric->kind == METRIC_COUNTER     ? "bytes_per_second"
              : strcmp(metric->unit, "bytes") == 0 ? "bytes"
                                                   : "count");
    json_real(j, "scale",
              metric->kind == METRIC_GAUGE ? scale / MEAN_PARTS
              : ns                         ? scale * 100
              : us                         ? scale * 1e5
                                           : scale * 1e9);
    json_real(j, "range_scale",
              metric->kind == METRIC_GAUGE ? scale
              : ns                         ? scale / 1e7
              : us                         ? scale / 1e4
                                           : scale);
}

static void put_series(struct page *page, const struct reading *r, const struct entity *entity,
                       size_t m)
{
    const struct course *s = &entity->course[m];
    const struct recording_entity *named =
        entity->id == 0 ? NULL : recording_entity(page->subject->recording, entity->id);
    struct json *j = &page->facts;
    size_t count = page->buckets.count;
    char name[200];

    (void)snprintf(name, sizeof name, "%s%s%s", named == NULL ? "" : named->label,
                   named == NULL ? "" : " ", r->chart->word[m]);
    json_begin(j, NULL, "{");
    json_name(j, "name");
    page_writer_text(&j->bytes, name, strlen(name), 0);
    json_text(j, "metric", r->chart->metric[m]);
    put_unit(j, &r->t->table->metrics[r->t->metric[m]]);
    json_integer(j, "at", (int64_t)page->packed.used);
    json_end(j, "}");
    page_pack(&page->packed, s->covered_ns, count);
    page_pack(&page->packed, s->value, count);
    page_pack(&page->packed, s->min, count);
    page_pack(&page->packed, s->max, count);
}

static void put_chart(struct page *page, const struct reading *r)
{
    struct json *j = &page->facts;
    size_t most = r->chart->entities == 0 ? 1 : r->chart->entities;

    json_begin(j, NULL, "{");
    json_text(j, "id", r->chart->id);
    json_text(j, "title", r->chart->title);
    json_text(j, "table", r->chart->table);
    json_text(j, "collector", r->chart->collector);
    json_integer(j, "left_out", (int64_t)(r->count > most ? r->count - most : 0));
    json_begin(j, "series", "[");
    for (size_t i = 0; i < r->count && i < most; i++)
        for (size_t m = 0; m < r->t->metric_count; m++)
            if (r->entity[i].course[m].covered_ns != NULL)
                put_series(page, r, &r->entity[i], m);
    json_end(j, "]");
    json_end(j, "}");
}

static enum status put_one(struct page *page, const struct chart *chart, struct error *err)
{
    struct reading r = { .page = page, .chart = chart, .t = calloc(1, sizeof *r.t) };
    enum status st;

    if (r.t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a chart");
    st = read_chart(&r, err);
    if (st == STATUS_OK)
        put_chart(page, &r);
    for (size_t i = 0; i < r.count; i++)
        for (size_t m = 0; m < METRICS_MOST; m++)
            free(r.entity[i].course[m].covered_ns);
    free(r.entity);
    timeline_release(r.t);
    free(r.t);
    return st;
}

/* One GPU's intervals into all[count], idle[count], and their time into own[count]. */
static void add_gpu(const struct page *page, const struct rail *rail, int64_t all[], int64_t idle[],
                    int64_t own[])
{
    const struct timeline_buckets *b = &page->buckets;

    memset(own, 0, b->count * sizeof *own);
    for (size_t k = 0; k < rail->count; k++) {
        const struct rail_interval *in = &rail->interval[k];
        int64_t dt_ns = in->to_ns - in->from_ns;
        size_t at = in->to_ns > b->from_ns ? timeline_bucket(b, in->to_ns) : 0;

        all[at] = wrap_add(all[at], in->uj);
        idle[at] = wrap_add(idle[at], energy_at(rail->idle_uw, dt_ns));
        own[at] = wrap_add(own[at], dt_ns);
    }
}

/* What GPUs used, and what of it was idle; what processes used is in their rows. */
static enum status put_gpus(struct page *page, struct error *err)
{
    const struct rails *rails = &page->report.gpu.rails;
    size_t count = page->buckets.count;
    int64_t *all = calloc(count * 4 + 1, sizeof *all);
    int64_t *idle = all + count, *time = idle + count, *own = time + count;

    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "energy of GPUs");
    for (size_t i = 0; i < rails->count; i++) {
        add_gpu(page, &rails->rail[i], all, idle, own);
        for (size_t b = 0; b < count; b++)
            time[b] = own[b] > time[b] ? own[b] : time[b];
    }
    json_integer(&page->facts, "gpu_at", rails->count > 0 ? (int64_t)page->packed.used : -1);
    page_pack(&page->packed, all, count);
    page_pack(&page->packed, idle, count);
    page_pack(&page->packed, time, count);
    page_pack(&page->packed, page->energy.processes_uj, count);
    free(all);
    return STATUS_OK;
}

enum status page_charts_put(struct page *page, struct error *err)
{
    json_begin(&page->facts, "charts", "[");
    for (size_t i = 0; i < COUNT_OF(charts); i++)
        if (put_one(page, &charts[i], err) != STATUS_OK)
            return err->status;
    json_end(&page->facts, "]");
    return put_gpus(page, err);
}
