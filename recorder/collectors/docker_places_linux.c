/* Source: the defaults of Docker and Podman, as a service of the host and as one of a user. */
#include "recorder/collectors/docker_places.h"

#include "schema/error.h"

const struct docker_place docker_places[] = {
    { DOCKER_OF_HOST, "/var/run/docker.sock" },
    { DOCKER_OF_HOST, "/run/podman/podman.sock" },
    { DOCKER_OF_SESSION, "/docker.sock" },
    { DOCKER_OF_SESSION, "/podman/podman.sock" },
};
const size_t docker_place_count = COUNT_OF(docker_places);
