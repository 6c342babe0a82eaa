/*
 * Worker threads for what may block: the sampling thread asks, and takes the answers at a later tick.
 *
 * Two bounded rings (slow_ring.h). Asking never waits: a full ring says so, and the caller asks again
 * at the next tick. One worker does the work. When a read of it takes longer than SLOW_PATIENCE_NS the
 * caller is told, and another worker takes over; a read is never begun a second time by itself.
 */
#ifndef RECORDER_SLOW_H
#define RECORDER_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/bytes.h"
#include "schema/error.h"
#include "schema/tick.h"

struct slow_request {
    uint32_t slot, generation; /* which use of the slot asks */
    uint64_t start_ticks;      /* with pid: whose identity */
    int64_t from_ns;           /* of the tick_version that the answer completes */
    int64_t asked_ns;          /* now */
    uint64_t run_ns;           /* CPU time it had used */
    int32_t pid;
    uint32_t uid;
    bool first;     /* nothing is known of this process yet */
    bool user_only; /* nothing is asked but what `uid` is called */
    bool idle; /* it has used none since it was last asked about: what only it changes is known */
};

struct slow_answer {
    struct slow_request request;
    bool gone;               /* the process ended before it could be read: its user's name only */
    uint32_t known;          /* a bit per enum process_text */
    uint32_t cmdline_length; /* as in tick_version */
    uint64_t cmdline_hash;
    struct tick_text text[PROCESS_TEXT_COUNT]; /* slices of `bytes` */
    struct byte_writer bytes;
};

enum { SLOW_WORKERS_MAX = 4 };
#define SLOW_PATIENCE_NS INT64_C(2000000000)

/* What is done with a request. `self` is for open only, and for answer by what open made of it. */
struct slow_work {
    /* What one worker works with. */
    enum status (*open)(void *self, void **context, struct error *err);
    void (*close)(void *context);
    /* May block, even for ever: touches nothing but its context, which may outlive all else. */
    void (*read)(void *context, const struct slow_request *request);
    /* Make an answer of what was read: `answer` comes empty but for its request. Never blocks. */
    void (*answer)(void *context, const struct slow_request *request, struct slow_answer *answer);
    void *self;
};

/* A read has gone on for too long, or one such has come back. */
struct slow_notice {
    bool late;
    bool exhausted;   /* no worker is left: nothing is read until one of them is back */
    int64_t since_ns; /* the tick at which it began */
    int32_t pid;      /* of its request */
};

struct slow;

/*
 * Start a worker.
 *
 *   shape   with `thread` false nothing runs until slow_run_pending: for tests and fixtures
 *   errors  NO_MEMORY, IO (no thread), those of work->open
 *   owns    *slow until slow_stop; copies *work
 */
MUST_USE enum status slow_start(struct slow **slow, const struct slow_work *work, bool thread,
                                struct error *err);
/*
 * Drops what is not answered. A read that does not come back within a second, or was told of as late,
 * is left to itself with its memory. Accepts NULL.
 */
void slow_stop(struct slow *slow);

/* False: the ring is full. The worker starts on it at the next slow_wake, or before. */
bool slow_ask(struct slow *slow, const struct slow_request *request);
void slow_wake(struct slow *slow);

/* The oldest answer, whose texts hold until the next call with this `slow`; NULL: none is ready. */
const struct slow_answer *slow_next(struct slow *slow);

/*
 * Once per tick, before asking, until it returns false: what there is to tell of reads that block.
 * Starts another worker when all are late, up to SLOW_WORKERS_MAX.
 */
bool slow_look(struct slow *slow, int64_t now_ns, struct slow_notice *notice);
/* Reads that were told of as late and are not back. */
unsigned slow_late_count(const struct slow *slow);

/* Work on what was asked, in the caller's thread, until done or the answers are full. */
void slow_run_pending(struct slow *slow);

#endif
