/*
 * What a container engine answers (the API of Docker, which Podman speaks, too), as values of
 * container_samples. The answer may be anything: it is bounded in depth and in the number of its values before
 * memory is taken for them, and a number that cannot be is missing as failed. text[size] is NUL.
 */
#ifndef RECORDER_DOCKER_JSON_H
#define RECORDER_DOCKER_JSON_H

#include <stdint.h>

#include "schema/error.h"
#include "schema/metric.h"

enum {
    DOCKER_CONTAINERS_MAX = 256,
    DOCKER_ID_MAX = 64, /* hex digits */
    DOCKER_ID_MIN = 12,
    DOCKER_LABEL_MAX = 255,
    DOCKER_DEPTH_MAX = 32,
    DOCKER_VALUES_MAX = 100000,
};

/* As in the labels of the metric `state`. */
enum container_state {
    CONTAINER_UNKNOWN = 0,
    CONTAINER_RUNNING = 2,
    CONTAINER_PAUSED = 3,
};

struct docker_container {
    char id[DOCKER_ID_MAX + 1];
    char label[DOCKER_LABEL_MAX + 1]; /* "name (image)" */
    int64_t value[CONTAINER_METRIC_COUNT];
    uint8_t missing[CONTAINER_METRIC_COUNT];
};

struct docker_list {
    struct docker_container container[DOCKER_CONTAINERS_MAX];
    size_t count;
    int64_t left_out; /* containers beyond the most, or without an id that could be one */
};

/* Append those of GET /containers/json. All values but the state are not sampled. errors: CORRUPT */
MUST_USE enum status docker_parse_list(const char *text, size_t size, struct docker_list *list,
                                       struct error *err);

/* The values of GET /containers/ID/stats. errors: CORRUPT, also when it is another container's */
MUST_USE enum status docker_parse_stats(const char *text, size_t size,
                                        struct docker_container *container, struct error *err);

/*
 * How often it was restarted, from GET /containers/ID/json, found without taking anything else out of the
 * answer: the container's environment is in there. errors: CORRUPT
 */
MUST_USE enum status docker_parse_inspect(const char *text, size_t size,
                                          struct docker_container *container, struct error *err);

/* All values but the state are missing for that reason. */
void docker_all_missing(struct docker_container *container, enum missing why);

#endif
