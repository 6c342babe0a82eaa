/*
 * Things that go wrong on the made-up host, and who is to blame: --incident KIND@SECOND[:SECONDS],
 * --leak COMM:BYTES_PER_HOUR, and services (generate_service.h).
 *
 *   cpu-hog        a process takes most of two cores
 *   fork-storm     a process starts 30 others a second, of which none lives long
 *   memory-eater   a process takes 40 MiB more each second
 *   oom            the same, and is killed for it
 *   io-writer      a process writes 80 MB a second
 *   slow-disk      requests to sda take 60 times as long; who does IO waits for it
 *   network-flood  a process receives 110 MB a second over 400 connections
 *   gpu-throttle   the first GPU is hot and slow
 *
 * Host, pressure, disk, network and GPU tables show it, too, as far as they are made (--tables). The truth
 * names the culprit: incidents.json.
 */
#ifndef TOOLS_GENERATE_INCIDENT_H
#define TOOLS_GENERATE_INCIDENT_H

#include "tools/generate_process.h"
#include "tools/generate_service.h"
#include "tools/generate_shape.h"

enum { INCIDENTS_MAX = GENERATE_INCIDENTS_MAX, INCIDENT_NAME_ROOM = 16 };

enum incident_kind {
    INCIDENT_CPU_HOG,
    INCIDENT_FORK_STORM,
    INCIDENT_MEMORY_EATER,
    INCIDENT_OOM,
    INCIDENT_IO_WRITER,
    INCIDENT_SLOW_DISK,
    INCIDENT_NETWORK_FLOOD,
    INCIDENT_GPU_THROTTLE,
    INCIDENT_LEAK,
    INCIDENT_SERVICE,
    INCIDENT_KIND_COUNT,
};

struct incident {
    enum incident_kind kind;
    char name[INCIDENT_NAME_ROOM]; /* of its process */
    int64_t at_s,
        length_s; /* after the first tick; a leak and a service last as long as the recording */
    int64_t bytes_per_hour; /* of a leak */
    struct service service;
    int64_t truth_id;       /* its process; 0: none, or none yet */
    int64_t from_ns, to_ns; /* ticks in which it shows: after from_ns, up to to_ns */
    int64_t process_id, start_ns;
    int32_t pid;
    int64_t cpu_us, children, children_us;
    bool over;
};

struct incidents {
    const struct generate_options *options;
    struct random_source random;
    size_t count;
    struct incident item[INCIDENTS_MAX];
    struct strain strain; /* of this tick, all together */
    int64_t first_ns;     /* tick */
};

/* As asked for: "cpu-hog@60:30", "java:1000000" of a leak, or "db:cpu@60" of a service; else INVALID. */
MUST_USE enum status incidents_init(struct incidents *incidents,
                                    const struct generate_options *options, struct error *err);

/* While population_tick is about to add rows: what they do in this tick. */
void incidents_run(struct incidents *incidents, struct population *population,
                   const struct moment *moment, struct tick *tick);
/* After population_after: who they are. */
void incidents_after(struct incidents *incidents, struct population *population);

/* Write incidents.json into a directory. */
MUST_USE enum status incidents_write(const struct incidents *incidents, const char *directory,
                                     struct error *err);

#endif
