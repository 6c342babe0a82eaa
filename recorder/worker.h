/*
 * A thread that does one read which may block: the sampling thread kicks it off and takes what was read
 * when it is there, at the same tick or at a later one, and waits at most a few milliseconds (worker_wait).
 *
 * What is read goes to the job's own memory. That belongs to the thread from worker_kick until
 * worker_take has returned true, and to the sampling thread otherwise. A thread that never comes back
 * keeps it: it is released by whoever is last.
 */
#ifndef RECORDER_WORKER_H
#define RECORDER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/error.h"
#include "schema/tick.h"

struct worker_job {
    const char *name; /* of the collector, for events: "gpu" */
    /* May block, even for ever. Touches nothing but `self`, which may outlive all else. */
    enum status (*read)(void *self, struct error *err);
    /* Frees `self`, in the thread; may block, too. NULL: there is nothing to free. */
    void (*release)(void *self);
    void *self;
    bool urgent; /* short, and waited for: the thread stays as urgent as the one that starts it */
};

struct worker; /* such a thread */

#define WORKER_PATIENCE_NS INT64_C(2000000000)

/*
 * Start the thread; it waits to be kicked.
 *
 *   shape   with `thread` false worker_kick reads in the caller's thread: for tests and fixtures
 *   errors  NO_MEMORY, IO (no thread)
 *   owns    *started until worker_stop, and job->self from the call on, whatever it returns
 */
MUST_USE enum status worker_start(struct worker **started, const struct worker_job *job,
                                  bool thread, struct error *err);
/* Waits up to two seconds for the thread to end, then leaves it to itself. Accepts NULL. */
void worker_stop(struct worker *worker);

/* Begin a read. False: the one before goes on, or was not taken yet. */
bool worker_kick(struct worker *worker, int64_t now_ns);

/* Whether a read has ended since the last kick, and how; once for each. `err` is its error. */
bool worker_take(struct worker *worker, enum status *st, struct error *err);

/*
 * For what is nearly always there at once: wait until the read that was kicked has ended. False: it has not
 * within WORKER_WAIT_NS. Once per kick, or each tick that it hangs would wait.
 */
#define WORKER_WAIT_NS INT64_C(5000000)
bool worker_wait(struct worker *worker);

/*
 * For what is told by rates: an answer is taken at a later tick than that of its kick, also if it is there
 * before (without a thread at once). Taken at one tick and then another, rates would be of times as long and
 * half as long. worker_due is for the collector's `begin`; worker_used ends its `collect`, when what
 * was taken is used up, and kicks if worker_due could not, as the answer before was not taken yet.
 */
void worker_due(struct worker *worker, int64_t now_ns);
bool worker_take_later(struct worker *worker, int64_t now_ns, enum status *st, struct error *err);
void worker_used(struct worker *worker, int64_t now_ns);
/* The time of the latest kick. */
int64_t worker_kicked_ns(const struct worker *worker);

/* From within the read: what it is at now, for the event that tells of its not answering. */
void worker_at(struct worker *worker, const char *what);
/* The thread that the calling read is in; NULL outside of one. */
struct worker *worker_self(void);

/* Once per tick: adds the events "not_answering" and "answering" (recorder/unanswered.h). */
void worker_report(struct worker *worker, struct tick *tick);
/* 1 while a read has gone on for longer than WORKER_PATIENCE_NS and was told of, else 0. */
int64_t worker_late(const struct worker *worker);

/* CPU time that its reads took, in ns. */
int64_t worker_cpu_ns(struct worker *worker);

#endif
