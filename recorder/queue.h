/*
 * A bounded queue of ticks from the sampling thread to the writer thread.
 *
 * Its ticks are a fixed pool, filled again and again. When all are taken, or hold too much memory,
 * it thins itself: of the waiting ticks the two neighbours that stand for the fewest become one (see
 * tick_merge.h). So the longer the writer cannot write, the sparser are the ticks that wait, every
 * 2nd, every 4th, evenly over the whole time.
 */
#ifndef RECORDER_QUEUE_H
#define RECORDER_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/tick_merge.h"
#include "schema/error.h"
#include "schema/tick.h"

enum {
    QUEUE_TICKS_DEFAULT = 16, /* at least, and as many as come in so many seconds */
    QUEUE_TICKS_MAX = 256,
    QUEUE_WARM = 2,
    QUEUE_BYTES_MAX = 24 << 20, /* of waiting ticks; while there are more, only two may wait */
};

struct queue_entry {
    struct tick *tick;
    uint32_t weight; /* ticks that it stands for */
    size_t bytes;
};

/* What thinning has cost. */
struct queue_loss {
    int64_t ticks;
    int64_t processes;      /* of which nothing, or not the end, is told */
    int64_t from_ns, to_ns; /* of the ticks: start of the first, of the last tick they went into */
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct tick *ticks;       /* [size], the pool */
    struct tick **spare;      /* [size], a stack: `warm` ticks that hold memory lie on top */
    struct queue_entry *full; /* [full_count] of [size], oldest first */
    size_t size, spare_count, warm, full_count;
    size_t given_back_bytes; /* that the tick held which was given back last */
    size_t full_bytes;
    const struct tick *merging[2]; /* the writer must not have them now; or NULL */
    bool closed;
    bool poked;

    /* the sampler's own */
    struct tick_merge merge;
    struct queue_loss loss; /* since the sampler set it to zero */
};

/* How many ticks a queue is for: one seal on a busy machine takes seconds, whatever the interval. */
size_t queue_ticks_for(int64_t interval_ns);

MUST_USE enum status queue_init(struct queue *queue, size_t ticks, struct error *err);
/* Accepts a zeroed queue; no thread may be using it. */
void queue_release(struct queue *queue);

/*
 * Sampler: an empty tick to fill. When all wait for the writer, two are merged for it; NULL if that
 * cannot be done.
 */
struct tick *queue_spare(struct queue *queue);
/* Sampler: how many ticks wait. */
size_t queue_waiting(struct queue *queue);
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
 * spare ticks give up their memory, so that one slow commit is not paid for ever after; and so does one that
 * takes much more than the one before, as the first does.
 */
void queue_give_back(struct queue *queue, struct tick *tick);
/* Writer: wait up to `ns`, less once the queue is closed; returns whether it is closed. */
bool queue_pause(struct queue *queue, int64_t ns);

#endif
