/* Where container engines listen on this host. */
#ifndef RECORDER_DOCKER_SOCKET_H
#define RECORDER_DOCKER_SOCKET_H

#include <stddef.h>

#include "schema/error.h"

enum { DOCKER_SOCKETS_MAX = 8, DOCKER_SOCKET_PATH_MAX = 107 /* of sockaddr_un, and a NUL */ };

struct docker_socket {
    char path[DOCKER_SOCKET_PATH_MAX + 1];
    int failure; /* errno of connecting to it just now, 0 when that worked */
};

/* What the choice depends on. */
struct docker_surroundings {
    const char *root;        /* before every path: "" but in tests */
    const char *docker_host; /* $DOCKER_HOST, or NULL */
    const char *runtime_dir; /* $XDG_RUNTIME_DIR, or NULL */
    const char *home;        /* $HOME, or NULL */
};

/* From our environment; with a root that is not "" nothing of it counts. */
struct docker_surroundings docker_surroundings_here(const char *root);

/*
 * The sockets that are there: the one that DOCKER_HOST names, or else those of docker_places.h, the
 * host's and our own. One that is another's link is found once. Each is connected to, without waiting.
 *
 *   errors  ABSENT (there is none), UNSUPPORTED (DOCKER_HOST names something else than a local socket)
 */
MUST_USE enum status docker_sockets_find(struct docker_socket found[DOCKER_SOCKETS_MAX],
                                         size_t *count, const struct docker_surroundings *around,
                                         struct error *err);

#endif
