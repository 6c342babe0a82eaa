/* The pool of ticks and the ring between the threads. Locks cover a few assignments only. */
#include "recorder/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

enum { PIECE_NS = 50000000 };

enum status queue_init(struct queue *queue, size_t ticks, struct error *err)
{
    *queue = (struct queue){ .size = ticks, .spare_count = ticks };
    queue->ticks = calloc(ticks, sizeof *queue->ticks);
    queue->spare = calloc(ticks, sizeof *queue->spare);
    queue->full = calloc(ticks, sizeof *queue->full);
    if (queue->ticks == NULL || queue->spare == NULL || queue->full == NULL) {
        free(queue->ticks);
        free(queue->spare);
        free(queue->full);
        *queue = (struct queue){ 0 };
        return error_set(err, STATUS_NO_MEMORY, "a queue of %zu ticks", ticks);
    }
    for (size_t i = 0; i < ticks; i++) {
        tick_init(&queue->ticks[i]);
        queue->spare[i] = &queue->ticks[i];
    }
    /* Both fail for bad attributes only, and none are given. */
    (void)pthread_mutex_init(&queue->lock, NULL);
    (void)pthread_cond_init(&queue->changed, NULL);
    return STATUS_OK;
}

void queue_release(struct queue *queue)
{
    if (queue->ticks == NULL)
        return;
    for (size_t i = 0; i < queue->size; i++)
        tick_release(&queue->ticks[i]);
    free(queue->ticks);
    free(queue->spare);
    free(queue->full);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    *queue = (struct queue){ 0 };
}

struct tick *queue_spare(struct queue *queue)
{
    struct tick *tick = NULL;

    pthread_mutex_lock(&queue->lock);
    if (queue->spare_count > 0)
        tick = queue->spare[--queue->spare_count];
    if (tick != NULL && queue->warm > 0)
        queue->warm--;
    pthread_mutex_unlock(&queue->lock);
    if (tick != NULL)
        tick_reset(tick);
    return tick;
}

void queue_put(struct queue *queue, struct tick *tick)
{
    pthread_mutex_lock(&queue->lock);
    assert(queue->full_count < queue->size);
    queue->full[(queue->first + queue->full_count++) % queue->size] = tick;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

struct tick *queue_take(struct queue *queue)
{
    struct tick *tick = NULL;

    pthread_mutex_lock(&queue->lock);
    while (queue->full_count == 0 && !queue->closed && !queue->poked)
        pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->full_count > 0) {
        tick = queue->full[queue->first];
        queue->first = (queue->first + 1) % queue->size;
        queue->full_count--;
    }
    pthread_mutex_unlock(&queue->lock);
    return tick;
}

void queue_poke(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->poked = true;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

bool queue_poked(struct queue *queue)
{
    bool poked;

    pthread_mutex_lock(&queue->lock);
    poked = queue->poked;
    queue->poked = false;
    pthread_mutex_unlock(&queue->lock);
    return poked;
}

void queue_give_back(struct queue *queue, struct tick *tick)
{
    bool surplus;

    pthread_mutex_lock(&queue->lock);
    surplus = queue->warm >= QUEUE_WARM;
    pthread_mutex_unlock(&queue->lock);
    if (surplus)
        tick_release(tick);

    pthread_mutex_lock(&queue->lock);
    assert(queue->spare_count < queue->size);
    if (surplus) {
        size_t below = queue->spare_count - queue->warm;

        queue->spare[queue->spare_count++] = queue->spare[below];
        queue->spare[below] = tick;
    } else {
        queue->spare[queue->spare_count++] = tick;
        queue->warm++;
    }
    pthread_mutex_unlock(&queue->lock);
}

size_t queue_length(struct queue *queue)
{
    size_t length;

    pthread_mutex_lock(&queue->lock);
    length = queue->full_count;
    pthread_mutex_unlock(&queue->lock);
    return length;
}

bool queue_pause(struct queue *queue, int64_t ns)
{
    const struct timespec piece = { .tv_nsec = PIECE_NS };
    bool closed = false;

    /* In pieces: a wait on the condition would follow steps of the wall clock on some systems. */
    for (int64_t waited_ns = 0; waited_ns < ns && !closed; waited_ns += PIECE_NS) {
        (void)nanosleep(&piece, NULL);
        pthread_mutex_lock(&queue->lock);
        closed = queue->closed;
        pthread_mutex_unlock(&queue->lock);
    }
    return closed;
}
