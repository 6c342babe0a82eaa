/* Asks all container engines once: what containers there are, and what each of them used. */
#ifndef RECORDER_CONTAINER_ROUND_H
#define RECORDER_CONTAINER_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/collectors/docker_client.h"
#include "recorder/collectors/docker_json.h"
#include "recorder/collectors/docker_socket.h"

struct container_engine {
    struct docker_client *client;
    char socket[DOCKER_SOCKET_PATH_MAX + 1];
    enum status
        status; /* of the last round: ABSENT (no answer in time), CORRUPT (one that is none) */
    struct error err;
    size_t first, count; /* its containers in the list */
    size_t turn; /* with which container the next round begins: all are reached in the end */
};

struct container_round {
    struct container_engine engine[DOCKER_SOCKETS_MAX];
    size_t engine_count;
    /* Of all engines: of one that did not answer those of its last answer, with all values missing. */
    struct docker_list list, before;
    int64_t count; /* rounds so far */
    bool restarts; /* asked for in the last one */
};

/*
 * The functions of a worker_job whose `self` is a container_round, from malloc. A round takes 1.5 s at
 * most, shared among the engines; containers that it did not get to have values that are not sampled.
 */
MUST_USE enum status container_round_read(void *self, struct error *err);
void container_round_release(void *self);

#endif
