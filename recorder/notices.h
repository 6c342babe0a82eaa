/*
 * What the main thread waits for: signals, and word from the sampler's threads. Each is one byte in
 * a pipe, so that one poll sees them all and a signal handler does nothing but write.
 */
#ifndef RECORDER_NOTICES_H
#define RECORDER_NOTICES_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "schema/error.h"

enum notice_kind {
    NOTICE_TIMEOUT,
    NOTICE_SIGNAL,    /* see `signal` */
    NOTICE_ENDED,     /* the sampler takes no more ticks */
    NOTICE_TROUBLE,   /* the sampler has a message */
    NOTICE_DISPLACED, /* the recording's path names another file, or none */
};

struct notice {
    enum notice_kind kind;
    int signal;
    bool from_user; /* sent by a process, not by the terminal or the kernel */
};

/*
 * Catch SIGINT, SIGTERM, SIGCHLD and, with `hangup`, SIGHUP; ignore it without, and SIGPIPE. A
 * process does this once.
 *
 *   errors  IO when there is no descriptor left
 */
MUST_USE enum status notices_open(bool hangup, struct error *err);

/* From any thread; never blocks. */
void notices_send(enum notice_kind kind);

/* The next notice, or TIMEOUT after timeout_ms (-1: wait as long as it takes). */
struct notice notices_wait(int timeout_ms);

/* After a sampler has stopped: what it said is not to be taken for word of the next one. */
void notices_forget_sampler(void);

/* In a forked child before exec: everything as it was before notices_open. Async-signal-safe. */
void notices_restore(void);

#endif
