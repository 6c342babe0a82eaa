/*
 * The control socket: a thread that answers status, mark, flush, stop and live (schema/CONTROL.md).
 *
 * Whoever connects may be slow, silent or hostile. It waits for nobody: connections are few, each has
 * a deadline, and one that has not said anything makes room for the next. While nobody is connected
 * the thread sleeps.
 */
#ifndef RECORDER_CONTROL_H
#define RECORDER_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "recorder/clock.h"
#include "schema/error.h"

/* What requests lead to. All are called by the control thread, and must return at once. */
struct control_calls {
    char *(*status)(void *self); /* JSON, free(); NULL: no memory */
    enum status (*mark)(void *self, uid_t uid, const char *text, size_t size, struct error *err);
    void (*flush)(void *self); /* begin it: control_flushed tells the end */
    void (*stop)(void *self);  /* begin it: control_close tells the end */
    enum status (*watch)(void *self, int *fd, struct error *err); /* first of all viewers */
    void (*unwatch)(void *self);                                  /* none is left */
    void (*log)(void *self, const char *text);
    void *self;
};

struct control_options {
    const char *path;
    bool has_group;
    gid_t group;                         /* its members may ask, beside root and our own user */
    int64_t ask_ns, answer_ns, flush_ns; /* how long a request, a reply, a flush may take */
    const struct clock *clock;           /* awake_ns only */
    struct control_calls calls;
};

struct control;

/*
 * Make the socket and listen; nobody is answered before control_start. What another recorder that is
 * gone has left there is replaced: only who holds the recording's lock may call this.
 *
 *   errors  INVALID: somebody else could tamper with the path; IO: naming the path
 *   owns    copies the options but what `calls.self`, `clock` and `path` point to
 */
MUST_USE enum status control_open(struct control **control, const struct control_options *options,
                                  struct error *err);
MUST_USE enum status control_start(struct control *control, struct error *err);

/* The writer's thread: the flush wanted by now, 0 none; after it, how it went. Accept NULL. */
uint64_t control_flush_wanted(struct control *control);
void control_flushed(struct control *control, uint64_t wanted, enum status st, const char *message);

/*
 * End the thread and remove the socket. Who asked for the stop still waits. Accepts NULL, and one that
 * was stopped.
 */
void control_stop(struct control *control);
/* Tell those who wait that all is done, or what went wrong, and free it. Accepts NULL. */
void control_close(struct control *control, bool ok, const char *message);

#endif
