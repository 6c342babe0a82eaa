/*
 * Source: the manuals of Docker Desktop (4.13 and later), OrbStack, Colima (its default profile), Rancher Desktop
 * and Podman (which had its machine's socket in "qemu" before version 5).
 */
#include "recorder/collectors/docker_places.h"

#include "schema/error.h"

const struct docker_place docker_places[] = {
    { DOCKER_OF_HOST, "/var/run/docker.sock" }, /* a link that all of them may make */
    { DOCKER_OF_HOME, "/.docker/run/docker.sock" },
    { DOCKER_OF_HOME, "/.orbstack/run/docker.sock" },
    { DOCKER_OF_HOME, "/.colima/default/docker.sock" },
    { DOCKER_OF_HOME, "/.config/colima/default/docker.sock" },
    { DOCKER_OF_HOME, "/.rd/docker.sock" },
    { DOCKER_OF_HOME, "/.local/share/containers/podman/machine/podman.sock" },
    { DOCKER_OF_HOME, "/.local/share/containers/podman/machine/qemu/podman.sock" },
};
const size_t docker_place_count = COUNT_OF(docker_places);
