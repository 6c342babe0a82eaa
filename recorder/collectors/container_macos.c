/*
 * Containers on a Mac run in a virtual machine, whose Linux the engine tells of. The host sees one process of
 * all that, so that none has a container's id.
 */
#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/container.h"

const struct collector container_collector = {
    .name = "container",
    .description = "containers as Docker or Podman tells of them: name, image, use, state",
    .source =
        "the engine's socket: DOCKER_HOST, Docker Desktop, OrbStack, Colima, Rancher Desktop, "
        "Podman",
    .needs = "that the engine runs for the recorder's user, or /var/run/docker.sock leads to it",
    .absence =
        "no engine runs. Processes have no container here: theirs are in a virtual machine, one "
        "process of this host",
    .table = TABLE_CONTAINER,
    .divisor = 1,
    .period_ns = INT64_C(10000000000),
    .optional = true,
    .open = container_open,
    .begin = container_begin,
    .collect = container_collect,
    .close = container_close,
    .not_answering = container_not_answering,
    .other_cpu_ns = container_other_cpu_ns,
};
