/*
 * One worker thread for what may block: the sampling thread asks, and takes the answers at a
 * later tick.
 *
 * Two bounded rings, each with one producer and one consumer. Asking never waits: a full ring says
 * so, and the caller asks again at the next tick.
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
    uint64_t run_ns;           /* CPU time it had used */
    int32_t pid;
    uint32_t uid;
    bool first; /* nothing is known of this process yet */
    bool idle;  /* it has used none since it was last asked about: what only it changes is known */
};

struct slow_answer {
    struct slow_request request;
    bool gone;               /* the process ended before it could be read */
    uint32_t known;          /* a bit per enum process_text */
    uint32_t cmdline_length; /* as in tick_version */
    uint64_t cmdline_hash;
    struct tick_text text[PROCESS_TEXT_COUNT]; /* slices of `bytes` */
    struct byte_writer bytes;
};

/* Answer one request: `answer` comes empty but for its request. Runs in the worker thread. */
typedef void slow_work(void *self, const struct slow_request *request, struct slow_answer *answer);

struct slow;

/*
 * Start the worker.
 *
 *   shape   with `thread` false nothing runs until slow_run_pending: for tests and fixtures
 *   errors  NO_MEMORY, IO (no thread)
 *   owns    *slow until slow_stop; keeps `self`
 */
MUST_USE enum status slow_start(struct slow **slow, slow_work *work, void *self, bool thread,
                                struct error *err);
/* Waits for the request in work, drops the others. Accepts NULL. */
void slow_stop(struct slow *slow);

/* False: the ring is full. The worker starts on it at the next slow_wake, or before. */
bool slow_ask(struct slow *slow, const struct slow_request *request);
void slow_wake(struct slow *slow);

/* The oldest answer, whose texts hold until the next call with this `slow`; NULL: none is ready. */
const struct slow_answer *slow_next(struct slow *slow);

/* Work on what was asked, in the caller's thread, until done or the answers are full. */
void slow_run_pending(struct slow *slow);

#endif
