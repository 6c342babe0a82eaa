/* Where container engines listen on this system, if nobody says otherwise; the most usual first. */
#ifndef RECORDER_COLLECTORS_DOCKER_PLACES_H
#define RECORDER_COLLECTORS_DOCKER_PLACES_H

#include <stddef.h>

struct docker_place {
    enum { DOCKER_OF_HOST, DOCKER_OF_HOME, DOCKER_OF_SESSION /* $XDG_RUNTIME_DIR */ } under;
    const char *path;
};

extern const struct docker_place docker_places[];
extern const size_t docker_place_count; /* two at least */

#endif
