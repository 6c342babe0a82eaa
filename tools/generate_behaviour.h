/*
 * What a made-up process does with its time: when it wakes, and how its counters and gauges move
 * then. Asleep it costs the generator nothing.
 */
#ifndef TOOLS_GENERATE_BEHAVIOUR_H
#define TOOLS_GENERATE_BEHAVIOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/metric.h"
#include "tools/generate_random.h"

enum behaviour {
    BEHAVIOUR_IDLE,     /* never runs, or once in minutes */
    BEHAVIOUR_PERIODIC, /* wakes every 0.1 to 30 s */
    BEHAVIOUR_BURSTY,   /* seconds of work, then sleep */
    BEHAVIOUR_STEADY,   /* a little at every tick */
    BEHAVIOUR_GROWING,  /* resident memory rises for hours */
    BEHAVIOUR_IO,       /* reads and writes files */
    BEHAVIOUR_CHURNING, /* starts children: the parents of the short-lived */
    BEHAVIOUR_BUSY,     /* most of a core, or two */
    BEHAVIOUR_ASLEEP,   /* never runs */
    BEHAVIOUR_COUNT,
};

/* All that a process is measured by; value[] is in stored units. */
struct activity {
    int64_t wake_ns; /* nothing changes before; INT64_MAX: ever again */
    int64_t done_ns; /* what it did until then is in value[] */
    enum behaviour behaviour;
    int64_t period_ns;     /* PERIODIC, IDLE: between two wakes; 0: never */
    int64_t level_ppm;     /* of one core, while awake */
    int64_t burst_end_ns;  /* BURSTY, IO: awake until then */
    int64_t user_permille; /* of its CPU time */
    int64_t value[PROCESS_METRIC_COUNT];
};

/* The host's room for CPU time in this tick, and how it is shaped. */
struct activity_host {
    int64_t budget_us; /* left in this tick */
    int64_t tick_ns;   /* how long it could run in this tick: suspend left out */
    int64_t cores;
    int64_t scale_ppm; /* on the levels of the hungry, so that all fit */
};

const char *behaviour_name(enum behaviour behaviour);
/* -1: there is none of that name */
int behaviour_by_name(const char *name);

/* A new process: gauges as at its start, counters 0. */
void activity_init(struct activity *activity, enum behaviour behaviour, int64_t start_ns,
                   const struct activity_host *host, struct random_source *random);
/* Make it one that has run since its start and is first seen now, somewhere in its rhythm. */
void activity_age(struct activity *activity, int64_t now_ns, struct random_source *random);
/* Let it run until now_ns, and decide when it wakes next. */
void activity_run(struct activity *activity, int64_t now_ns, struct activity_host *host,
                  struct random_source *random);
/* Let it run for run_us until now_ns, or for what the host has left; returns for how long. */
int64_t activity_drive(struct activity *activity, int64_t run_us, int64_t now_ns,
                       struct activity_host *host);

#endif
