/* What the control socket does with a session: status, mark, flush, stop, live. */
#ifndef RECORDER_SESSION_CONTROL_H
#define RECORDER_SESSION_CONTROL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "recorder/control.h"
#include "recorder/live_publish.h"
#include "recorder/live_service.h"
#include "recorder/options.h"
#include "schema/control.h"

struct session;
struct sampler;

enum { MARKS_MAX = 32 };

/* A mark on its way into the next tick. */
struct session_mark {
    int64_t at_ns; /* timeline */
    uid_t uid;     /* whose */
    size_t size;
    char text[CONTROL_TEXT_MAX];
};

/* Zeroed is closed. */
struct session_control {
    bool opened;
    bool off;                /* --control none */
    struct control *control; /* NULL: there is no socket */
    char path[PATH_MAX];     /* of it, or of where it would be */
    struct live_publisher publisher;
    struct live_service *service; /* NULL: there is none */
    pthread_mutex_t viewers_lock; /* of what follows, and of whether `publisher` is watched */
    unsigned viewers;             /* bits: who has viewers */
    uint64_t flush_done;          /* the writer thread's */
    atomic_size_t mark_count;
    pthread_mutex_t lock; /* of what follows */
    struct session_mark mark[MARKS_MAX];
    char message[600]; /* for the log; "" when told */
};

/* The group of --control-group. errors INVALID: no such group */
MUST_USE enum status session_control_group(const char *name, gid_t *group, struct error *err);

/*
 * Make the socket as the options say; the recording's lock is held, the sampler not started. That it
 * cannot be made is a message, no failure: recording goes on without.
 */
void session_control_open(struct session *session, const struct options *options);
/* The sampler runs: begin to answer. */
void session_control_start(struct session *session);
/* Before the sampler is stopped: no request is answered any more, the socket goes. */
void session_control_stop(struct session *session);
/* All is done, or it ended with this message: tell who asked for it. */
void session_control_close(struct session *session, bool ok, const char *message);

/* The next message for the log, once: true when there was one. */
bool session_control_message(struct session *session, char *text, size_t size);

/* The sampling thread: put the marks into the tick. */
void session_control_add_events(void *self, struct tick *tick);
/* The writer's thread: after a tick was taken; and between ticks, when it was asked to. */
void session_control_publish(struct session *session, const struct tick *tick);
void session_control_attend(void *self);

/* The answer to `status`: JSON, free(); NULL: no memory. session_status.c */
char *session_status(void *self);

#endif
