/*
 * Workers take requests one by one. What one reads goes to its own memory only, so that it can be
 * left behind in the middle of a read: it frees that memory when it comes back, if ever.
 */
#include "recorder/slow.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/slow_ring.h"
#include "recorder/urgency.h"

enum {
    WAKE_EVERY = 32, /* requests, so that the worker runs beside a long sweep */
    STOP_GRACE_MS = 1000,
    STOP_STEP_MS = 10,
};

static const int64_t not_reading = INT64_MIN;

struct worker {
    struct slow *slow;
    pthread_t thread;
    void *context; /* of work.open */
    struct slow_answer answer;
    bool answer_waits;        /* `answer` is complete, the ring has no room for it */
    bool abandoned;           /* under `between` */
    _Atomic int64_t since_ns; /* the tick at which the read it is in began, or not_reading */
    _Atomic int32_t pid;      /* whom that read is about */

    /* of the asking side: what was told of it */
    bool late;
    int64_t late_since_ns;
    int32_t late_pid;
};

struct slow {
    struct slow_ring ring;
    struct slow_work work;
    struct worker workers[SLOW_WORKERS_MAX];
    unsigned worker_count;
    _Atomic int64_t now_ns; /* the latest tick */
    unsigned asked;         /* since the last wake-up */

    bool threaded;
    pthread_mutex_t lock; /* held only to look at the ring's heads and tails */
    pthread_cond_t changed;
    bool stop;
    pthread_mutex_t between; /* workers only, and slow_stop: the working side of the ring */
    bool stopping;           /* no read is begun any more */
    unsigned holders;        /* the owner and every abandoned worker: the last one frees it */
};

bool slow_ask(struct slow *slow, const struct slow_request *request)
{
    if (!slow_ring_ask(&slow->ring, request))
        return false;
    if (++slow->asked >= WAKE_EVERY)
        slow_wake(slow);
    return true;
}

void slow_wake(struct slow *slow)
{
    slow->asked = 0;
    pthread_mutex_lock(&slow->lock);
    pthread_cond_broadcast(&slow->changed);
    pthread_mutex_unlock(&slow->lock);
}

const struct slow_answer *slow_next(struct slow *slow)
{
    return slow_ring_next(&slow->ring);
}

/* --- a worker -------------------------------------------------------------------------------- */

static bool put_answer(struct worker *worker)
{
    pthread_mutex_lock(&worker->slow->between);
    worker->answer_waits = !slow_ring_answer(&worker->slow->ring, &worker->answer);
    pthread_mutex_unlock(&worker->slow->between);
    return !worker->answer_waits;
}

static bool begin(struct worker *worker, struct slow_request *request)
{
    struct slow *slow = worker->slow;
    bool any;

    pthread_mutex_lock(&slow->between);
    any = !slow->stopping && slow_ring_take(&slow->ring, request);
    if (any) {
        atomic_store(&worker->pid, request->pid);
        atomic_store(&worker->since_ns, atomic_load(&slow->now_ns));
    }
    pthread_mutex_unlock(&slow->between);
    return any;
}

/* Back from a read. False: nobody waits for it any more, and only its own memory may be touched. */
static bool end(struct worker *worker)
{
    bool wanted;

    pthread_mutex_lock(&worker->slow->between);
    wanted = !worker->abandoned;
    atomic_store(&worker->since_ns, not_reading);
    pthread_mutex_unlock(&worker->slow->between);
    return wanted;
}

/* Take one step of work; false when there is none, or no room for its answer. */
static bool step(struct worker *worker)
{
    const struct slow_work *work = &worker->slow->work;
    struct slow_answer *answer = &worker->answer;
    struct byte_writer bytes = answer->bytes;
    struct slow_request request;

    if (worker->answer_waits)
        return put_answer(worker);
    if (!begin(worker, &request))
        return false;
    work->read(worker->context, &request);
    if (!end(worker))
        return false;
    bytes_reset(&bytes);
    *answer = (struct slow_answer){ .request = request, .bytes = bytes };
    work->answer(worker->context, &request, answer);
    assert(answer->bytes.used <= SLOW_ANSWER_LARGEST);
    return put_answer(worker);
}

void slow_run_pending(struct slow *slow)
{
    assert(!slow->threaded);
    while (step(&slow->workers[0])) {
    }
}

static void release(struct slow *slow)
{
    unsigned holders;

    pthread_mutex_lock(&slow->between);
    holders = --slow->holders;
    pthread_mutex_unlock(&slow->between);
    if (holders > 0)
        return;
    pthread_cond_destroy(&slow->changed);
    pthread_mutex_destroy(&slow->lock);
    pthread_mutex_destroy(&slow->between);
    free(slow);
}

static void worker_release(struct worker *worker)
{
    if (worker->context != NULL)
        worker->slow->work.close(worker->context);
    bytes_release(&worker->answer.bytes);
}

static bool has_work(struct worker *worker)
{
    struct slow_ring *ring = &worker->slow->ring;

    return slow_ring_has_room(ring) && (worker->answer_waits || slow_ring_is_asked(ring));
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    struct slow *slow = worker->slow;
    bool stop = false;

    urgency_lower();
    while (!stop) {
        pthread_mutex_lock(&slow->lock);
        while (!slow->stop && !has_work(worker))
            pthread_cond_wait(&slow->changed, &slow->lock);
        stop = slow->stop;
        pthread_mutex_unlock(&slow->lock);
        if (!stop)
            (void)step(worker);
    }
    if (worker->abandoned) { /* only ever set while it reads: end() has seen it */
        worker_release(worker);
        release(slow);
    }
    return NULL;
}

/* --- workers --------------------------------------------------------------------------------- */

/* Signals are for the main thread. */
static int start_thread(struct worker *worker)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    failed = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static enum status add_worker(struct slow *slow, struct error *err)
{
    struct worker *worker = &slow->workers[slow->worker_count];
    enum status st;
    int failed;

    *worker = (struct worker){ .slow = slow };
    atomic_init(&worker->since_ns, not_reading);
    st = slow->work.open(slow->work.self, &worker->context, err);
    if (st != STATUS_OK)
        return st;
    failed = slow->threaded ? start_thread(worker) : 0;
    if (failed == 0) {
        slow->worker_count++;
        return STATUS_OK;
    }
    worker_release(worker);
    return error_set(err, STATUS_IO, "start a slow thread: %s", strerror(failed));
}

unsigned slow_late_count(const struct slow *slow)
{
    unsigned late = 0;

    for (unsigned i = 0; i < slow->worker_count; i++)
        late += slow->workers[i].late;
    return late;
}

/* What has changed about one worker since it was last looked at. */
static bool look(struct worker *worker, int64_t now_ns, struct slow_notice *notice)
{
    int64_t since_ns = atomic_load(&worker->since_ns);
    int32_t pid = atomic_load(&worker->pid);

    if (worker->late && since_ns != worker->late_since_ns) {
        worker->late = false;
    } else if (!worker->late && since_ns != not_reading && now_ns - since_ns >= SLOW_PATIENCE_NS &&
               atomic_load(&worker->since_ns) == since_ns) { /* so pid belongs to it */
        worker->late = true;
        worker->late_since_ns = since_ns;
        worker->late_pid = pid;
    } else {
        return false;
    }
    *notice = (struct slow_notice){
        .late = worker->late,
        .since_ns = worker->late_since_ns,
        .pid = worker->late_pid,
    };
    return true;
}

bool slow_look(struct slow *slow, int64_t now_ns, struct slow_notice *notice)
{
    struct error ignored; /* without another worker names wait until one is back */
    bool changed = false;

    atomic_store(&slow->now_ns, now_ns);
    for (unsigned i = 0; i < slow->worker_count && !changed; i++)
        changed = look(&slow->workers[i], now_ns, notice);
    if (!changed)
        return false;
    if (slow_late_count(slow) == slow->worker_count && slow->worker_count < SLOW_WORKERS_MAX)
        (void)!add_worker(slow, &ignored);
    notice->exhausted = slow_late_count(slow) == slow->worker_count;
    return true;
}

enum status slow_start(struct slow **started, const struct slow_work *work, bool thread,
                       struct error *err)
{
    struct slow *slow = calloc(1, sizeof *slow);
    enum status st;

    *started = slow;
    if (slow == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for the slow thread");
    slow->work = *work;
    slow->threaded = thread;
    slow->holders = 1;
    pthread_mutex_init(&slow->lock, NULL);
    pthread_mutex_init(&slow->between, NULL);
    pthread_cond_init(&slow->changed, NULL);
    st = add_worker(slow, err);
    if (st == STATUS_OK)
        return STATUS_OK;
    slow_stop(slow);
    *started = NULL;
    return st;
}

/* --- stop ------------------------------------------------------------------------------------ */

/* Leave it to itself if it is in a read; false when it is not, and ends by itself. */
static bool abandon(struct worker *worker)
{
    struct slow *slow = worker->slow;
    bool reads;

    pthread_mutex_lock(&slow->between);
    reads = atomic_load(&worker->since_ns) != not_reading;
    if (reads) {
        worker->abandoned = true;
        slow->holders++;
    }
    pthread_mutex_unlock(&slow->between);
    return reads;
}

static void stop_worker(struct worker *worker)
{
    const struct timespec pause = { .tv_nsec = STOP_STEP_MS * 1000000L };
    int waited_ms = worker->late ? STOP_GRACE_MS : 0;

    for (; waited_ms < STOP_GRACE_MS && atomic_load(&worker->since_ns) != not_reading;
         waited_ms += STOP_STEP_MS)
        (void)nanosleep(&pause, NULL);
    if (abandon(worker)) {
        pthread_detach(worker->thread);
        return;
    }
    pthread_join(worker->thread, NULL);
    worker_release(worker);
}

void slow_stop(struct slow *slow)
{
    if (slow == NULL)
        return;
    pthread_mutex_lock(&slow->between);
    slow->stopping = true;
    pthread_mutex_unlock(&slow->between);
    pthread_mutex_lock(&slow->lock);
    slow->stop = true;
    pthread_cond_broadcast(&slow->changed);
    pthread_mutex_unlock(&slow->lock);
    for (unsigned i = 0; i < slow->worker_count; i++) {
        if (slow->threaded)
            stop_worker(&slow->workers[i]);
        else
            worker_release(&slow->workers[i]);
    }
    release(slow);
}
