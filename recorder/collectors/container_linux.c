/* Containers of a Linux host. */
#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/container.h"

const struct collector container_collector = {
    .name = "container",
    .description = "containers as Docker or Podman tells of them: name, image, use, state",
    .source = "the container engine's socket: DOCKER_HOST, docker, podman",
    .needs = "permission to connect to the socket, such as membership in its group",
    .absence = "no engine, or its socket is closed to the recorder: processes still have their "
               "container's id",
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
