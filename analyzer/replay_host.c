/* Each table's figures are what `timeline` says of the window as one step. */
#include "analyzer/replay_host.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/timeline.h"

struct figure {
    const char *table, *metric;
    const char *entity; /* the key of the only one that counts; NULL: all that is_counted */
    double unit;        /* of the exported value, in that of the figure */
};

/* Those of a table follow each other. */
static const struct figure figures[REPLAY_FIGURES] = {
    [REPLAY_MEMORY_TOTAL] = { "memory_samples", "total_bytes", NULL, 1 },
    [REPLAY_MEMORY_AVAILABLE] = { "memory_samples", "available_bytes", NULL, 1 },
    [REPLAY_SWAP_TOTAL] = { "memory_samples", "swap_total_bytes", NULL, 1 },
    [REPLAY_SWAP_FREE] = { "memory_samples", "swap_free_bytes", NULL, 1 },
    [REPLAY_CPU_PRESSURE] = { "pressure_samples", "some_us_total", "cpu", 1000 },
    [REPLAY_MEMORY_PRESSURE] = { "pressure_samples", "some_us_total", "memory", 1000 },
    [REPLAY_IO_PRESSURE] = { "pressure_samples", "some_us_total", "io", 1000 },
    [REPLAY_DISK_READ] = { "disk_samples", "read_bytes_total", NULL, 1 },
    [REPLAY_DISK_WRITTEN] = { "disk_samples", "written_bytes_total", NULL, 1 },
    [REPLAY_NETWORK_RECEIVED] = { "network_samples", "received_bytes_total", NULL, 1 },
    [REPLAY_NETWORK_SENT] = { "network_samples", "sent_bytes_total", NULL, 1 },
    [REPLAY_GPU_POWER] = { "gpu_samples", "power_mw", NULL, 1e-3 },
};

/* One table while its rows come in. */
struct reading {
    struct replay_host *host;
    const struct recording_contents *contents;
    const struct timeline *timeline;
    size_t first, end; /* of figures */
};

static const char *entity_key(const struct recording_contents *contents, int64_t entity_id)
{
    for (size_t i = 0; i < contents->entity_count; i++)
        if (contents->entities[i].entity_id == entity_id)
            return contents->entities[i].key;
    return "";
}

/* What lies on other disks, and the loopback, would be counted twice. */
static bool is_counted(const struct figure *figure, const char *key)
{
    if (figure->entity != NULL)
        return strcmp(figure->entity, key) == 0;
    if (strcmp(figure->table, "disk_samples") == 0)
        return strncmp(key, "dm/", 3) != 0 && strncmp(key, "md", 2) != 0 &&
               strncmp(key, "loop", 4) != 0;
    return strcmp(figure->table, "network_samples") != 0 || strcmp(key, "lo") != 0;
}

static void add(struct reading *r, size_t figure, const struct timeline_cell *cell)
{
    const struct recording_metric *metric =
        &r->timeline->table->metrics[r->timeline->metric[figure - r->first]];
    double unit = (double)metric->scale * figures[figure].unit;
    double value;

    if (metric->kind == METRIC_COUNTER) {
        if (cell->covered_ns <= 0)
            return;
        value = (double)cell->increase * unit * 1e9 / (double)cell->covered_ns;
    } else {
        if (!cell->present)
            return;
        value = (cell->weight_ns > 0 ? (double)cell->sum / (double)cell->weight_ns
                                     : (double)cell->max) *
                unit;
    }
    r->host->known[figure] = true;
    r->host->value[figure] += value;
}

static enum status take(void *self, size_t bucket, const struct timeline_row rows[], size_t count,
                        struct error *err)
{
    struct reading *r = self;

    (void)bucket;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const char *key = entity_key(r->contents, rows[i].key.id[0]);

        for (size_t f = r->first; f < r->end; f++)
            if (is_counted(&figures[f], key))
                add(r, f, &rows[i].cell[f - r->first]);
    }
    return STATUS_OK;
}

/* The figures from `first` on that are of one table; false: the recording has not all it takes. */
static bool prepare(struct timeline *t, struct reading *r, const struct subject *subject)
{
    size_t f = r->first;

    t->table = recording_table(subject->recording, figures[f].table);
    for (; f < REPLAY_FIGURES && strcmp(figures[f].table, figures[r->first].table) == 0; f++) {
        size_t metric = t->table == NULL ? SIZE_MAX : recording_metric(t->table, figures[f].metric);

        t->metric[t->metric_count++] = metric;
        if (metric == SIZE_MAX)
            t->table = NULL;
    }
    r->end = f;
    return t->table != NULL;
}

static enum status read_table(struct replay_host *host, struct reading *r,
                              const struct subject *subject, struct error *err)
{
    static const struct select everyone = { .pid_count = 0 };
    struct timeline *t = calloc(1, sizeof *t);
    enum status st = STATUS_OK;

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "figures of the host");
    t->by = TIMELINE_SERIES;
    t->select = &everyone;
    t->sink = (struct timeline_sink){ .bucket = take, .self = r };
    r->host = host;
    r->timeline = t;
    if (prepare(t, r, subject)) {
        st = timeline_buckets_one(&t->buckets, &subject->window, err);
        if (st == STATUS_OK)
            st = timeline_read(t, subject, err);
    }
    timeline_release(t);
    free(t);
    return st;
}

enum status replay_host_read(struct replay_host *host, const struct subject *subject,
                             struct error *err)
{
    struct reading r = { .contents = subject->contents };

    *host = (struct replay_host){ .known = { false } };
    for (r.first = 0; r.first < REPLAY_FIGURES; r.first = r.end)
        if (read_table(host, &r, subject, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}
