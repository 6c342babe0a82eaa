/*
 * Counter tracks of a Perfetto trace: one per metric of a series.
 *
 * A track takes intervals in which its value is known, by ascending begin. The trace gets a value
 * where it changes, as a viewer goes on with the last one; where the next interval does not begin
 * before the last one ends, it gets a 0 that is marked as no value.
 */
#ifndef ANALYZER_PERFETTO_TRACK_H
#define ANALYZER_PERFETTO_TRACK_H

#include "analyzer/perfetto_packet.h"

/* A metric as a trace has it. */
struct perfetto_metric {
    char name[200];
    bool counter;  /* of the recording: drawn as a rate, real */
    double factor; /* stored increase * factor / ns */
    int64_t scale; /* gauges: stored value * scale */
    enum perfetto_unit unit;
    const char *unit_name;
    const char *description; /* may be NULL */
};

/* What a metric is called and counted in. `table`: what its name begins with, or NULL. */
void perfetto_metric_init(struct perfetto_metric *metric, const char *table,
                          const struct recording_metric *of);

/* One series of the recording. */
struct perfetto_series {
    struct perfetto_series *next; /* of the same place in the hash */
    uint32_t table;
    int64_t key[2];
    uint64_t parent, uuid; /* metric m is track uuid + 2 * m */
    const char *label;     /* behind the metric's name; or NULL */
    uint64_t described, open;
    bool ended; /* nothing more can come */
    /* a process, told by PERFETTO_PROCESS */
    unsigned depth; /* slices that are open */
    int64_t last_ns;
    size_t metric_count;
    struct {
        struct perfetto_value value;
        int64_t to_ns; /* it is known until then */
    } metric[];
};
#define PERFETTO_PROCESS UINT32_MAX

/* Zero-initialised is empty. */
struct perfetto_tracks {
    struct perfetto_writer *w;
    struct perfetto_series **place; /* [size] */
    size_t size, count;
    uint64_t last_uuid; /* even ones; odd are processes */
};

/* The process' own track. */
static inline uint64_t perfetto_process_uuid(int64_t process_id)
{
    return (uint64_t)process_id << 1 | 1;
}

/* A new track, its uuid the first of `count`. */
uint64_t perfetto_uuids(struct perfetto_tracks *tracks, size_t count);

/* The series of that key, which is *fresh if it was not there. errors NO_MEMORY */
MUST_USE enum status perfetto_series_find(struct perfetto_tracks *tracks, uint32_t table,
                                          const int64_t key[2], size_t metric_count,
                                          struct perfetto_series **series, bool *fresh,
                                          struct error *err);

/* The metric has that value from `from_ns` until `to_ns`. */
void perfetto_series_put(struct perfetto_tracks *tracks, struct perfetto_series *series,
                         const struct perfetto_metric *metric, size_t position, int64_t from_ns,
                         int64_t to_ns, struct perfetto_value value);

static inline bool perfetto_series_open(const struct perfetto_series *series, size_t position)
{
    return (series->open >> position & 1) != 0;
}

/* What is known already is so until then, too. */
static inline void perfetto_series_extend(struct perfetto_series *series, size_t position,
                                          int64_t to_ns)
{
    if (series->metric[position].to_ns < to_ns)
        series->metric[position].to_ns = to_ns;
}

/* Nothing is known of the metric from the end of its interval on; `ended`: as there is nothing. */
void perfetto_series_close(struct perfetto_tracks *tracks, struct perfetto_series *series,
                           size_t position, bool ended);

/* Forget series that ended, or all: nothing more is known of them. */
void perfetto_tracks_forget(struct perfetto_tracks *tracks, bool all);
void perfetto_tracks_release(struct perfetto_tracks *tracks);

#endif
