/*
 * The pool of ticks, and the list of those that wait. Locks cover a few assignments only: merging is
 * done by the sampler, without the lock, on ticks that the writer is kept from taking.
 */
#include "recorder/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/heap.h"

enum { PIECE_NS = 50000000, LARGE_BYTES = 1 << 21 };

size_t queue_ticks_for(int64_t interval_ns)
{
    int64_t ticks = QUEUE_TICKS_DEFAULT * INT64_C(1000000000) / interval_ns;

    return ticks < QUEUE_TICKS_DEFAULT ? QUEUE_TICKS_DEFAULT
           : ticks > QUEUE_TICKS_MAX   ? QUEUE_TICKS_MAX
                                       : (size_t)ticks;
}

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
    tick_merge_release(&queue->merge);
    free(queue->ticks);
    free(queue->spare);
    free(queue->full);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    *queue = (struct queue){ 0 };
}

/* The neighbours that stand for the fewest ticks, the oldest such; false: there are no two. */
static bool choose(const struct queue *queue, size_t *at)
{
    uint32_t least = UINT32_MAX;

    for (size_t i = 0; i + 1 < queue->full_count; i++) {
        uint32_t weight = queue->full[i].weight + queue->full[i + 1].weight;

        if (weight < least) {
            least = weight;
            *at = i;
        }
    }
    return least < UINT32_MAX;
}

static void count_loss(struct queue_loss *loss, const struct tick *kept, const struct tick *lost)
{
    if (loss->ticks == 0 || lost->start_ns < loss->from_ns)
        loss->from_ns = lost->start_ns;
    if (loss->ticks == 0 || kept->start_ns > loss->to_ns)
        loss->to_ns = kept->start_ns;
    loss->ticks++;
}

/* The later of two has taken in the earlier: close the gap. The writer may have moved both. */
static void remove_merged(struct queue *queue)
{
    size_t at = 0;

    while (queue->full[at].tick != queue->merging[0])
        at++;
    queue->full[at + 1].weight += queue->full[at].weight;
    queue->full_bytes -= queue->full[at].bytes + queue->full[at + 1].bytes;
    queue->full[at + 1].bytes = tick_bytes(queue->merging[1]);
    queue->full_bytes += queue->full[at + 1].bytes;
    queue->full_count--;
    memmove(queue->full + at, queue->full + at + 1, (queue->full_count - at) * sizeof *queue->full);
}

/* Make one tick of two; the other is free. NULL: there are no two, or memory is out. */
static struct tick *thin(struct queue *queue)
{
    struct tick *earlier = NULL, *later = NULL;
    int64_t processes = 0;
    bool brief, merged;
    size_t at;

    pthread_mutex_lock(&queue->lock);
    brief = queue->full_bytes > QUEUE_BYTES_MAX;
    if (choose(queue, &at)) {
        queue->merging[0] = earlier = queue->full[at].tick;
        queue->merging[1] = later = queue->full[at + 1].tick;
    }
    pthread_mutex_unlock(&queue->lock);
    if (earlier == NULL)
        return NULL;
    merged = tick_merge(&queue->merge, later, earlier, brief, &processes);
    if (merged) {
        count_loss(&queue->loss, later, earlier);
        queue->loss.processes += processes;
    }
    pthread_mutex_lock(&queue->lock);
    if (merged)
        remove_merged(queue);
    queue->merging[0] = queue->merging[1] = NULL;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return merged ? earlier : NULL;
}

struct tick *queue_spare(struct queue *queue)
{
    struct tick *tick = NULL;
    bool full;

    pthread_mutex_lock(&queue->lock);
    full = queue->spare_count == 0 || queue->full_bytes > QUEUE_BYTES_MAX;
    pthread_mutex_unlock(&queue->lock);
    if (full)
        tick = thin(queue);
    if (tick == NULL) {
        pthread_mutex_lock(&queue->lock);
        if (queue->spare_count > 0)
            tick = queue->spare[--queue->spare_count];
        if (tick != NULL && queue->warm > 0)
            queue->warm--;
        pthread_mutex_unlock(&queue->lock);
    }
    if (tick != NULL)
        tick_reset(tick);
    return tick;
}

size_t queue_waiting(struct queue *queue)
{
    size_t count;

    pthread_mutex_lock(&queue->lock);
    count = queue->full_count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

void queue_put(struct queue *queue, struct tick *tick)
{
    size_t bytes = tick_bytes(tick);

    pthread_mutex_lock(&queue->lock);
    assert(queue->full_count < queue->size);
    queue->full[queue->full_count++] =
        (struct queue_entry){ .tick = tick, .weight = 1, .bytes = bytes };
    queue->full_bytes += bytes;
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

/* Is there one, and not in the sampler's hands? */
static bool can_take(const struct queue *queue)
{
    return queue->full_count > 0 && queue->full[0].tick != queue->merging[0] &&
           queue->full[0].tick != queue->merging[1];
}

struct tick *queue_take(struct queue *queue)
{
    struct tick *tick = NULL;

    pthread_mutex_lock(&queue->lock);
    while (queue->full_count > 0 ? !can_take(queue) : !queue->closed && !queue->poked)
        pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->full_count > 0) {
        tick = queue->full[0].tick;
        queue->full_bytes -= queue->full[0].bytes;
        queue->full_count--;
        memmove(queue->full, queue->full + 1, queue->full_count * sizeof *queue->full);
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
    size_t bytes = tick_bytes(tick);
    bool surplus, last;

    pthread_mutex_lock(&queue->lock);
    surplus =
        queue->warm >= QUEUE_WARM || (bytes > LARGE_BYTES && bytes / 2 > queue->given_back_bytes);
    last = queue->full_count == 0;
    queue->given_back_bytes = bytes;
    pthread_mutex_unlock(&queue->lock);
    if (surplus)
        tick_release(tick);
    if (surplus && last && bytes > LARGE_BYTES / 4)
        heap_trim();

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
