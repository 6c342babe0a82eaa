/*
 * Requests are an array of fixed records; answers are records of varying size in a ring of bytes,
 * so that memory is bounded by bytes and not by the longest answer times their number.
 */
#include "recorder/slow.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUESTS = 1024,           /* a power of two */
    ANSWER_BYTES = 256 * 1024, /* a power of two */
    ANSWER_LARGEST = 40 * 1024,
    ALIGNMENT = 16,
    WAKE_EVERY = 32, /* requests, so that the worker runs beside a long sweep */
};

/* Head and tail only grow; an index is one of them modulo the ring's size. */
struct slow {
    struct slow_request requests[REQUESTS];
    _Atomic size_t request_head, request_tail; /* head: next to write; tail: next to read */
    uint8_t answers[ANSWER_BYTES];
    _Atomic size_t answer_head, answer_tail;

    /* of the asking side */
    struct slow_answer view;
    size_t view_size; /* bytes of the ring that `view` still holds */
    unsigned asked;   /* since the last wake-up */

    /* of the working side */
    slow_work *work;
    void *self;
    struct slow_answer answer;
    bool answer_waits; /* `answer` is complete, the ring has no room for it */

    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock; /* held only to look at the heads and tails */
    pthread_cond_t changed;
    bool stop;
};

/* What stands before the texts of an answer in the ring. */
struct record {
    size_t size; /* with this header and padding */
    bool skip;   /* nothing here: go on at the ring's beginning */
    struct slow_answer answer;
};

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

bool slow_ask(struct slow *slow, const struct slow_request *request)
{
    size_t head = atomic_load_explicit(&slow->request_head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&slow->request_tail, memory_order_acquire);

    if (head - tail == REQUESTS)
        return false;
    slow->requests[head % REQUESTS] = *request;
    atomic_store_explicit(&slow->request_head, head + 1, memory_order_release);
    if (++slow->asked >= WAKE_EVERY)
        slow_wake(slow);
    return true;
}

void slow_wake(struct slow *slow)
{
    slow->asked = 0;
    pthread_mutex_lock(&slow->lock);
    pthread_cond_signal(&slow->changed);
    pthread_mutex_unlock(&slow->lock);
}

/* Copy the finished answer into the ring; false when there is no room. */
static bool put_answer(struct slow *slow)
{
    size_t head = atomic_load_explicit(&slow->answer_head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&slow->answer_tail, memory_order_acquire);
    size_t at = head % ANSWER_BYTES, skipped = 0;
    struct record record = {
        .size = padded(sizeof record + slow->answer.bytes.used),
        .answer = slow->answer,
    };

    if (record.size > ANSWER_BYTES - at)
        skipped = ANSWER_BYTES - at;
    if (ANSWER_BYTES - (head - tail) < skipped + record.size)
        return false;
    if (skipped >= sizeof record)
        memcpy(slow->answers + at, &(struct record){ .skip = true }, sizeof record);
    at = (at + skipped) % ANSWER_BYTES;
    memcpy(slow->answers + at, &record, sizeof record);
    if (slow->answer.bytes.used > 0)
        memcpy(slow->answers + at + sizeof record, slow->answer.bytes.data,
               slow->answer.bytes.used);
    atomic_store_explicit(&slow->answer_head, head + skipped + record.size, memory_order_release);
    return true;
}

const struct slow_answer *slow_next(struct slow *slow)
{
    size_t tail = atomic_load_explicit(&slow->answer_tail, memory_order_relaxed) + slow->view_size;
    size_t head = atomic_load_explicit(&slow->answer_head, memory_order_acquire);
    size_t at = tail % ANSWER_BYTES, left = ANSWER_BYTES - at;
    struct record record;

    slow->view_size = 0;
    atomic_store_explicit(&slow->answer_tail, tail, memory_order_release);
    if (head == tail)
        return NULL;
    if (left >= sizeof record)
        memcpy(&record, slow->answers + at, sizeof record);
    if (left < sizeof record || record.skip) {
        tail += left;
        at = 0;
        memcpy(&record, slow->answers, sizeof record);
    }
    atomic_store_explicit(&slow->answer_tail, tail, memory_order_release);
    slow->view_size = record.size;
    slow->view = record.answer;
    slow->view.bytes.data = slow->answers + at + sizeof record;
    return &slow->view;
}

/* Take one step of work; false when there is none, or no room for its answer. */
static bool step(struct slow *slow)
{
    struct slow_answer *answer = &slow->answer;
    size_t tail = atomic_load_explicit(&slow->request_tail, memory_order_relaxed);
    struct byte_writer bytes = answer->bytes;

    if (slow->answer_waits) {
        slow->answer_waits = !put_answer(slow);
        return !slow->answer_waits;
    }
    if (tail == atomic_load_explicit(&slow->request_head, memory_order_acquire))
        return false;
    bytes_reset(&bytes);
    *answer = (struct slow_answer){
        .request = slow->requests[tail % REQUESTS],
        .bytes = bytes,
    };
    atomic_store_explicit(&slow->request_tail, tail + 1, memory_order_release);
    slow->work(slow->self, &answer->request, answer);
    assert(answer->bytes.used <= ANSWER_LARGEST);
    slow->answer_waits = !put_answer(slow);
    return !slow->answer_waits;
}

void slow_run_pending(struct slow *slow)
{
    assert(!slow->threaded);
    while (step(slow)) {
    }
}

static bool has_room(struct slow *slow)
{
    return ANSWER_BYTES - (atomic_load(&slow->answer_head) - atomic_load(&slow->answer_tail)) >=
           2 * ANSWER_LARGEST;
}

static bool has_work(struct slow *slow)
{
    return has_room(slow) && (slow->answer_waits ||
                              atomic_load(&slow->request_head) != atomic_load(&slow->request_tail));
}

static void *run(void *argument)
{
    struct slow *slow = argument;
    bool stop = false;

    while (!stop) {
        pthread_mutex_lock(&slow->lock);
        while (!slow->stop && !has_work(slow))
            pthread_cond_wait(&slow->changed, &slow->lock);
        stop = slow->stop;
        pthread_mutex_unlock(&slow->lock);
        if (!stop)
            (void)step(slow);
    }
    return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct slow *slow)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    failed = pthread_create(&slow->thread, NULL, run, slow);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    slow->threaded = failed == 0;
    return failed;
}

enum status slow_start(struct slow **started, slow_work *work, void *self, bool thread,
                       struct error *err)
{
    struct slow *slow = calloc(1, sizeof *slow);
    int failed;

    *started = slow;
    if (slow == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for the slow thread");
    slow->work = work;
    slow->self = self;
    pthread_mutex_init(&slow->lock, NULL);
    pthread_cond_init(&slow->changed, NULL);
    failed = thread ? start_thread(slow) : 0;
    if (failed == 0)
        return STATUS_OK;
    slow_stop(slow);
    *started = NULL;
    return error_set(err, STATUS_IO, "start the slow thread: %s", strerror(failed));
}

void slow_stop(struct slow *slow)
{
    if (slow == NULL)
        return;
    if (slow->threaded) {
        pthread_mutex_lock(&slow->lock);
        slow->stop = true;
        pthread_cond_signal(&slow->changed);
        pthread_mutex_unlock(&slow->lock);
        pthread_join(slow->thread, NULL);
    }
    pthread_cond_destroy(&slow->changed);
    pthread_mutex_destroy(&slow->lock);
    bytes_release(&slow->answer.bytes);
    free(slow);
}
