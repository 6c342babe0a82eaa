/* One connection of the control socket: a request comes in, a reply goes out, nothing blocks. */
#ifndef RECORDER_CONTROL_CONNECTION_H
#define RECORDER_CONTROL_CONNECTION_H

#include <stdint.h>

#include "recorder/control_socket.h"
#include "schema/control.h"

enum connection_state {
    CONNECTION_NONE,      /* free */
    CONNECTION_ASKING,    /* its request is not complete */
    CONNECTION_FLUSHING,  /* waits for the flush `wanted` */
    CONNECTION_STOPPING,  /* waits for the end */
    CONNECTION_ANSWERING, /* its reply is not gone yet; then it is closed, or `then` */
    CONNECTION_WATCHING,  /* a viewer, until it hangs up */
};

/* Zeroed is a free one. */
struct control_connection {
    enum connection_state state, then;
    int fd;
    struct control_peer peer;
    int64_t since_ns, deadline_ns; /* awake clock; INT64_MAX: none */
    uint64_t wanted;
    char request[CONTROL_REQUEST_MAX];
    size_t request_size;
    char *reply; /* NULL: none */
    size_t reply_size, reply_at;
    int pass_fd; /* goes with the reply; -1: none. Not ours */
};

void connection_begin(struct control_connection *c, int fd, const struct control_peer *peer,
                      int64_t now_ns, int64_t deadline_ns);
void connection_end(struct control_connection *c);

enum connection_news {
    CONNECTION_NOTHING,
    CONNECTION_REQUEST, /* *size bytes of `request` are a line, without its newline */
    CONNECTION_GONE,    /* it hung up */
    CONNECTION_TOO_LONG,
};

/* Read what has come. Whoever says more than one request is taken for gone. */
enum connection_news connection_read(struct control_connection *c, size_t *size);

/*
 * Begin a reply; connection_write goes on. Without memory the connection ends.
 *
 *   shape   body[size]
 */
void connection_answer(struct control_connection *c, bool ok, const char *body, size_t size,
                       int64_t deadline_ns);
/* Send what can be sent; afterwards the connection is ended, or in its next state. */
void connection_write(struct control_connection *c);

#endif
