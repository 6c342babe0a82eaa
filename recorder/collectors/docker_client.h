/*
 * HTTP over a local socket, by libcurl, which is loaded when a client is opened: a host without containers
 * does not carry it.
 *
 * The other side may be anything: dead, silent, endless, or slow byte by byte. A request takes as long as it
 * may and as much memory as it may, never more.
 */
#ifndef RECORDER_DOCKER_CLIENT_H
#define RECORDER_DOCKER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/error.h"

struct docker_client;

struct docker_answer {
    const char *text; /* of the client until its next request; text[size] is NUL */
    size_t size;
    long code; /* of HTTP */
};

struct docker_request {
    const char *path; /* "/containers/json"; after it a query, if any */
    int64_t timeout_ms;
    size_t limit; /* bytes of the answer */
};

/* Why there are no clients: "built without libcurl"; NULL: there are, if the library can be loaded. */
const char *docker_client_missing(void);

/* Load the library now, to stay, if it can be; docker_client_open tells when it cannot. */
void docker_client_load(void);

/* errors: UNSUPPORTED (not built in, or the library cannot be loaded), NO_MEMORY */
MUST_USE enum status docker_client_open(struct docker_client **opened, const char *socket,
                                        struct error *err);
void docker_client_close(struct docker_client *client);

/*
 * GET a path.
 *
 *   errors  ABSENT (nobody listens, or not all of the answer came in time), CORRUPT (it is no HTTP, or too
 *           long), NO_MEMORY; any code of HTTP is OK
 */
MUST_USE enum status docker_client_get(struct docker_client *client,
                                       const struct docker_request *request,
                                       struct docker_answer *answer, struct error *err);

/* Overwrite the last answer, which may hold what is nobody's business, and give large memory back. */
void docker_client_forget(struct docker_client *client);

#endif
