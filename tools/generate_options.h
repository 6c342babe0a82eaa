/* What make_recording is asked for on its command line. */
#ifndef TOOLS_GENERATE_OPTIONS_H
#define TOOLS_GENERATE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"
#include "tools/generate_behaviour.h"

enum { GENERATE_SPANS_MAX = 32, GENERATE_INCIDENTS_MAX = 16 };

/* Seconds after the first tick at which something begins, and how many it lasts. */
struct generate_span {
    int64_t at_s, length_s;
};

struct generate_spans {
    size_t count;
    struct generate_span span[GENERATE_SPANS_MAX];
};

struct generate_options {
    const char *path;
    const char *truth;        /* directory, or NULL */
    const char *tables_truth; /* the same */
    uint64_t tables;          /* that are made besides the usual ones, a bit each */
    bool events;              /* and events */
    struct {
        const char *text;
        int option; /* 'n': --incident, 'L': --leak, 'V': --service */
    } incident[GENERATE_INCIDENTS_MAX];
    size_t incident_count;
    int64_t processes, seconds;
    int64_t births_ppm; /* short-lived processes in a million seconds */
    uint64_t seed;
    int64_t interval_ns, start_ns, jitter_ns;
    int64_t commit_ns, sync_ns;
    int64_t cmdline_bytes;
    int64_t mix[BEHAVIOUR_COUNT]; /* weights */
    struct generate_spans gaps, lates, restarts;
    struct generate_spans reboots;  /* restarts of the host */
    struct generate_spans steps;    /* of the wall clock, by so many seconds, either way */
    struct generate_span fall_back; /* clocks of the zone are set back; length 0: they are not */
    int64_t keep_ns, keep_rollups_ns, max_bytes; /* 0: no limit */
    const char *hours; /* file for what must be known of each hour, or NULL */
    int64_t gpus, gpu_processes, gpu_interval_ns,
        gpu_process_interval_ns;         /* none, unless asked for */
    int64_t packages, power_interval_ns; /* the same of CPU packages */
    bool pid_reuse, missing, unclean;
    bool split; /* a file for each session: OUT.pscope, OUT.pscope.2 and so on */
};

extern const char generate_usage[];

/* Read the command line; INVALID with a message when it is wrong. */
MUST_USE enum status generate_options_parse(struct generate_options *options, int argc,
                                            char *argv[], struct error *err);

/* The span that `second` falls into, or NULL. */
const struct generate_span *generate_span_at(const struct generate_spans *spans, int64_t second);

#endif
