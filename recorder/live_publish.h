/*
 * Publishes the latest tick in the live mapping (schema/live.h), while somebody watches; else it
 * does nothing. The writer's thread publishes: it has every tick in hand, and the last value of all
 * that did not change in it.
 */
#ifndef RECORDER_LIVE_PUBLISH_H
#define RECORDER_LIVE_PUBLISH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "recorder/shared_memory.h"
#include "recorder/writer.h"
#include "schema/live.h"

struct live_publisher {
    const struct session_facts *facts;
    atomic_bool watched;
    pthread_mutex_t lock; /* of what follows: held while a tick is copied */
    struct shared_memory memory;
    uint64_t generation; /* of the memory: counted from 1 */
    bool filled;         /* all that is alive stands in it, so that changes suffice */
};

/* `facts` must outlive it. */
void live_publisher_init(struct live_publisher *publisher, const struct session_facts *facts);
void live_publisher_release(struct live_publisher *publisher);

/*
 * Somebody watches from now on; *fd is to be handed over and stays the publisher's. The first tick
 * stands there after the writer's thread has called live_publish.
 *
 *   errors  IO, UNSUPPORTED: see shared_memory_open
 */
MUST_USE enum status live_publisher_watch(struct live_publisher *publisher, int *fd,
                                          struct error *err);
/* The mapping of who watches, until live_publisher_unwatch. */
void live_publisher_memory(const struct live_publisher *publisher, const void **memory,
                           size_t *size, uint64_t *generation);
/* Nobody watches any more: the mapping goes. */
void live_publisher_unwatch(struct live_publisher *publisher);

/*
 * The writer's thread: show the state that the writer has after taking `tick`, or, with NULL, that it
 * has now, if nothing is shown yet.
 */
void live_publish(struct live_publisher *publisher, const struct writer *writer,
                  const struct tick *tick);

#endif
