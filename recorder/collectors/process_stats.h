/* What the collector of processes knows about itself, for recorder_samples and the session row. */
#ifndef RECORDER_PROCESS_STATS_H
#define RECORDER_PROCESS_STATS_H

#include <stdint.h>

#include "recorder/collector.h"

extern const struct collector process_collector;

struct process_stats {
    int64_t
        exits_lost; /* exits without a report, and overruns of the report queue (each 1 or more) */
    int64_t processes_unreadable; /* times a listed process could not be read */
    int64_t identities_late;      /* processes gone before their command line was read */
    int64_t execs_lost;           /* programs that began without being reported, for lack of room */
    int64_t walks_incomplete;     /* ticks at which not all processes were handed out */
    int64_t cpu_processes_us;     /* CPU time that live and exited processes used since open */
};

/* `state` is what process_collector's open gave. */
void process_collector_stats(const void *state, struct process_stats *stats);

/*
 * How processes are read: "bpf", "iter" (BPF, see recorder/collectors/bpf_walk_linux.h), "fds" (kept
 * descriptors), "proc" (open, read, close) or "libproc" (macOS).
 */
const char *process_collector_source(const void *state);

#endif
