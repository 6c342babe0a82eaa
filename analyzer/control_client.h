/* The other end of a recorder's control socket: one request, one reply (schema/CONTROL.md). */
#ifndef ANALYZER_CONTROL_CLIENT_H
#define ANALYZER_CONTROL_CLIENT_H

#include <limits.h>
#include <stddef.h>

#include "analyzer/options.h"
#include "schema/control.h"

/* Zeroed is closed. */
struct control_client {
    bool connected;
    int fd;
    char recording[PATH_MAX]; /* "" when the socket was named */
    char path[PATH_MAX];      /* of the socket */
    char *body;               /* of the reply, with a NUL behind it */
    size_t body_size;
    bool passed;
    int passed_fd; /* what came with the reply */
};

/*
 * Connect to the recorder that records options->file (NULL: the default recording), or to the socket
 * at `path` if that is not NULL.
 *
 *   errors  ABSENT: nobody records there, or without a socket; IO: permission; INVALID: the path
 *   owns    descriptors and the body, until control_client_close
 */
MUST_USE enum status control_client_open(struct control_client *client,
                                         const struct options *options, const char *path,
                                         struct error *err);
void control_client_close(struct control_client *client);

/*
 * Send the request and wait for the whole reply.
 *
 *   errors  IO: the recorder's own words, or that it did not answer within timeout_ms, or that it
 *           ended; UNSUPPORTED: another version; CORRUPT: it is no recorder
 */
MUST_USE enum status control_client_ask(struct control_client *client,
                                        const struct control_request *request, int timeout_ms,
                                        struct error *err);

#endif
