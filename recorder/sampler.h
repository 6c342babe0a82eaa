/*
 * The two threads of a recording: one samples at the deadlines, one stores what it is handed.
 *
 * Storing may take long or fail (a slow or full disk): then ticks wait in the queue, and once that
 * is full it thins itself. What that costs is counted, and told by one event when there is room
 * again.
 */
#ifndef RECORDER_SAMPLER_H
#define RECORDER_SAMPLER_H

#include "recorder/clock.h"
#include "recorder/collect.h"
#include "schema/error.h"
#include "schema/tick.h"

enum sampler_notice {
    SAMPLER_ENDED,   /* no more ticks are taken: the duration is over, or it failed */
    SAMPLER_TROUBLE, /* sampler_message has something to say */
};

struct sampler_options {
    const struct clock *clock; /* its sleep must end when `wake` was called */
    struct timebase timebase;
    int64_t interval_ns;
    int64_t duration_ns;   /* 0: until stopped */
    int64_t last_apart_ns; /* the last tick is left out when it would come sooner after another */
    size_t queue_ticks;
    int64_t retry_ns;   /* between attempts to store a tick: 1 s */
    int64_t message_ns; /* between messages about the same trouble: 1 min */
    struct collect *collect;
    /* Store one tick: OK; IO, FULL, NO_MEMORY: is tried again; all else ends the recording. */
    enum status (*store)(void *self, const struct tick *tick, struct error *err);
    /* The writer's thread, after sampler_poke, once nothing is queued; NULL: nothing to do. */
    void (*attend)(void *self);
    void *store_self;
    /* The sampling thread, as it begins; may be NULL. */
    void (*prepare_thread)(int64_t interval_ns);
    void (*prepare_writer)(void); /* or NULL */
    /* The sampling thread: events that others have for this tick. Must not block; may be NULL. */
    void (*add_events)(void *self, struct tick *tick);
    void *events_self;
    /* Called from both threads; must not block. */
    void (*notify)(void *self, enum sampler_notice notice);
    void (*wake)(void *self);
    void *notify_self;
};

struct sampler_totals {
    int64_t ticks;     /* collected */
    int64_t processes; /* announced */
    int64_t missed, dropped;
    int64_t lost; /* collected but never stored */
};

/* How it goes, as of the latest tick. */
struct sampler_state {
    struct sampler_totals totals;
    int64_t tick_ns;          /* when it began, on the timeline; INT64_MIN: none yet */
    int64_t lateness_ns;      /* after its deadline; -1: it had none */
    int64_t processes_now;    /* that had a sample */
    int64_t queued;           /* ticks that wait for being stored */
    int64_t trouble_since_ns; /* boot clock; INT64_MIN: writing works */
    char trouble[480];        /* why it does not */
};

struct sampler;

/*
 * Take the first tick in the calling thread, then start both threads.
 *
 *   errors  NO_MEMORY, or IO when a thread cannot be started
 *   owns    copies the options; what they point to must outlive sampler_stop
 */
MUST_USE enum status sampler_start(struct sampler **sampler, const struct sampler_options *options,
                                   struct error *err);

/* Have the writer's thread call `attend` soon. From any thread, until sampler_stop. */
void sampler_poke(struct sampler *sampler);

/* From any thread, until sampler_stop. */
void sampler_state(struct sampler *sampler, struct sampler_state *state);

/* False if it should have woken up for a tick more than grace_ns ago and has not. */
bool sampler_on_time(const struct sampler *sampler, int64_t grace_ns);

/* The next message for the log, once: true when there was one. */
bool sampler_message(struct sampler *sampler, char *text, size_t size);

/*
 * Take a last tick if one is due, store what is queued, end the threads, free the sampler.
 * Returns why the recording had to end early, or OK. Accepts NULL.
 */
MUST_USE enum status sampler_stop(struct sampler *sampler, struct sampler_totals *totals,
                                  struct error *err);

#endif
