/* The tracks that were begun, by what they are of. */
#include "analyzer/perfetto_track.h"

#include <stdlib.h>
#include <string.h>

/* --- metrics --- */

static bool drop_end(char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);

    if (size <= end_size || strcmp(name + size - end_size, end) != 0)
        return false;
    name[size - end_size] = '\0';
    return true;
}

/* How a counter's rate is told, by its unit. */
static const struct rate {
    const char *unit, *name_end; /* which the unit's name in the metric's gives way to */
    const char *drop, *unit_name;
    double factor;
} rates[] = {
    { "ns", "_percent", "_ns", "%", 100 },
    { "us", "_percent", "_us", "%", 100e3 },
    { "uj", "_watts", "_uj", "W", 1e3 },
    { "nj", "_watts", "_nj", "W", 1 },
    { "bytes", "_per_second", "", "bytes/s", 1e9 },
};

static void init_rate(struct perfetto_metric *metric, const struct recording_metric *of)
{
    static const struct rate plain = { "", "_per_second", "", "/s", 1e9 };
    const struct rate *rate = &plain;
    size_t size;

    for (size_t i = 0; i < COUNT_OF(rates); i++)
        if (strcmp(of->unit, rates[i].unit) == 0)
            rate = &rates[i];
    (void)drop_end(metric->name, "_total");
    (void)drop_end(metric->name, rate->drop);
    size = strlen(metric->name);
    (void)snprintf(metric->name + size, sizeof metric->name - size, "%s", rate->name_end);
    metric->counter = true;
    metric->factor = rate->factor * (double)of->scale;
    metric->unit_name = rate->unit_name;
}

void perfetto_metric_init(struct perfetto_metric *metric, const char *table,
                          const struct recording_metric *of)
{
    *metric = (struct perfetto_metric){ .scale = of->scale, .description = of->description };
    (void)snprintf(metric->name, sizeof metric->name - 20, "%.60s%s%.100s",
                   table == NULL ? "" : table, table == NULL ? "" : ".", of->name);
    if (of->kind == METRIC_COUNTER)
        init_rate(metric, of);
    else if (strcmp(of->unit, "bytes") == 0)
        metric->unit = PERFETTO_BYTES;
    else if (strcmp(of->unit, "ns") == 0)
        metric->unit = PERFETTO_TIME_NS;
    else if (of->unit[0] == '\0')
        metric->unit = PERFETTO_COUNT;
    else
        metric->unit_name = of->unit;
}

/* --- which series there are --- */

static size_t place_of(const struct perfetto_tracks *tracks, uint32_t table, const int64_t key[2])
{
    uint64_t hash = ((uint64_t)key[0] * 31 + (uint64_t)key[1]) * 31 + table;

    return (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (tracks->size - 1);
}

static enum status make_room(struct perfetto_tracks *tracks, struct error *err)
{
    struct perfetto_tracks larger = { .size = tracks->size == 0 ? 1024 : tracks->size * 2 };

    if (tracks->count < tracks->size)
        return STATUS_OK;
    larger.place = calloc(larger.size, sizeof(struct perfetto_series *));
    if (larger.place == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu tracks", larger.size);
    for (size_t i = 0; i < tracks->size; i++)
        for (struct perfetto_series *s = tracks->place[i], *next; s != NULL; s = next) {
            size_t at = place_of(&larger, s->table, s->key);

            next = s->next;
            s->next = larger.place[at];
            larger.place[at] = s;
        }
    free(tracks->place);
    tracks->place = larger.place;
    tracks->size = larger.size;
    return STATUS_OK;
}

uint64_t perfetto_uuids(struct perfetto_tracks *tracks, size_t count)
{
    uint64_t first = tracks->last_uuid + 2;

    tracks->last_uuid += 2 * count;
    return first;
}

enum status perfetto_series_find(struct perfetto_tracks *tracks, uint32_t table,
                                 const int64_t key[2], size_t metric_count,
                                 struct perfetto_series **series, bool *fresh, struct error *err)
{
    struct perfetto_series *s;
    size_t at;

    if (make_room(tracks, err) != STATUS_OK)
        return err->status;
    at = place_of(tracks, table, key);
    for (s = tracks->place[at]; s != NULL; s = s->next)
        if (s->table == table && s->key[0] == key[0] && s->key[1] == key[1])
            break;
    *series = s;
    *fresh = s == NULL;
    if (s != NULL)
        return STATUS_OK;
    *series = s = calloc(1, sizeof *s + metric_count * sizeof s->metric[0]);
    if (s == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a track");
    s->table = table;
    memcpy(s->key, key, sizeof s->key);
    s->metric_count = metric_count;
    s->next = tracks->place[at];
    tracks->place[at] = s;
    tracks->count++;
    return STATUS_OK;
}

/* --- intervals --- */

static void describe(struct perfetto_tracks *tracks, struct perfetto_series *s,
                     const struct perfetto_metric *metric, size_t position)
{
    char name[400];
    const struct perfetto_track track = { .uuid = s->uuid + 2 * position,
                                          .parent = s->parent,
                                          .name = name,
                                          .description = metric->description,
                                          .counter = true,
                                          .unit = metric->unit,
                                          .unit_name = metric->unit_name };

    if (s->label == NULL)
        (void)snprintf(name, sizeof name, "%s", metric->name);
    else
        (void)snprintf(name, sizeof name, "%s [%.190s]", metric->name, s->label);
    perfetto_put_track(tracks->w, &track);
    s->described |= UINT64_C(1) << position;
}

static bool same(struct perfetto_value a, struct perfetto_value b)
{
    uint64_t bits_a, bits_b; /* 0 and -0 differ, as they do in what is written */

    if (a.real != b.real || !a.real)
        return a.real == b.real && a.integer == b.integer;
    memcpy(&bits_a, &a.number, sizeof bits_a);
    memcpy(&bits_b, &b.number, sizeof bits_b);
    return bits_a == bits_b;
}

void perfetto_series_close(struct perfetto_tracks *tracks, struct perfetto_series *series,
                           size_t position, bool ended)
{
    struct perfetto_value none = { .real = series->metric[position].value.real };

    if (!perfetto_series_open(series, position))
        return;
    perfetto_put_counter(tracks->w, series->uuid + 2 * position, series->metric[position].to_ns,
                         none, ended ? "ended" : "not known");
    series->open &= ~(UINT64_C(1) << position);
}

void perfetto_series_put(struct perfetto_tracks *tracks, struct perfetto_series *series,
                         const struct perfetto_metric *metric, size_t position, int64_t from_ns,
                         int64_t to_ns, struct perfetto_value value)
{
    if (perfetto_series_open(series, position) && from_ns > series->metric[position].to_ns)
        perfetto_series_close(tracks, series, position, false);
    if ((series->described >> position & 1) == 0)
        describe(tracks, series, metric, position);
    if (!perfetto_series_open(series, position) || !same(value, series->metric[position].value))
        perfetto_put_counter(tracks->w, series->uuid + 2 * position, from_ns, value, NULL);
    series->open |= UINT64_C(1) << position;
    series->metric[position].value = value;
    series->metric[position].to_ns = to_ns;
}

void perfetto_tracks_forget(struct perfetto_tracks *tracks, bool all)
{
    for (size_t i = 0; i < tracks->size; i++)
        for (struct perfetto_series **at = &tracks->place[i], *s = *at; s != NULL; s = *at) {
            if (!all && !s->ended) {
                at = &s->next;
                continue;
            }
            for (size_t m = 0; m < s->metric_count; m++)
                perfetto_series_close(tracks, s, m, s->ended);
            for (; s->depth > 0; s->depth--)
                perfetto_put_event(tracks->w, PERFETTO_SLICE_END, s->uuid, s->last_ns,
                                   (struct text){ 0 }, NULL, 0);
            *at = s->next;
            free(s);
            tracks->count--;
        }
}

void perfetto_tracks_release(struct perfetto_tracks *tracks)
{
    for (size_t i = 0; i < tracks->size; i++)
        for (struct perfetto_series *s = tracks->place[i], *next; s != NULL; s = next) {
            next = s->next;
            free(s);
        }
    free(tracks->place);
    *tracks = (struct perfetto_tracks){ 0 };
}
