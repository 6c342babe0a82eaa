/*
 * A bounded queue of ticks from the sampling thread to the writer thread.
 *
 * Its ticks are a fixed pool, filled again and again. When all are taken the sampler skips its
 * deadline: a tick that was never collected leaves nothing inconsistent, counters simply cover a
 * longer interval.
 */
#ifndef RECORDER_QUEUE_H
#define RECORDER_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"
#include "schema/tick.h"

enum { QUEUE_TICKS_DEFAULT = 16, QUEUE_WARM = 2 };

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct tick *ticks;  /* [size], the pool */
    struct tick **spare; /* [size], a stack: `warm` ticks that hold memory lie on top */
    struct tick **full;  /* [size], a ring, oldest at `first` */
    size_t size, spare_count, warm, full_count, first;
    bool closed;
    bool poked;
};

MUST_USE enum status queue_init(struct queue *queue, size_t ticks, struct error *err);
/* Accepts a zeroed queue; no thread may be using it. */
void queue_release(struct queue *queue);

/* Sampler: an empty tick to fill, or NULL when all are waiting for the writer. */
struct tick *queue_spare(struct queue *queue);
/* Sampler: hand a filled tick to the writer. */
void queue_put(struct queue *queue, struct tick *tick);
/* Sampler: no tick will follow. */
void queue_close(struct queue *queue);

/* Writer: the oldest tick, waiting for one; NULL when there is none and it is closed or poked. */
struct tick *queue_take(struct queue *queue);
/* Any thread: have queue_take return, once, when it is empty. */
void queue_poke(struct queue *queue);
/* Writer: whether it was poked since the last call. */
bool queue_poked(struct queue *queue);
/*
 * Either thread: a tick from queue_take or queue_spare goes back to the pool. All but QUEUE_WARM
 * spare ticks give up their memory, so that one slow commit is not paid for ever after.
 */
void queue_give_back(struct queue *queue, struct tick *tick);
/* Any thread: ticks that wait for the writer. */
size_t queue_length(struct queue *queue);
/* Writer: wait up to `ns`, less once the queue is closed; returns whether it is closed. */
bool queue_pause(struct queue *queue, int64_t ns);

#endif
