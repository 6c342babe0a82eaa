/*
 * One thread, one read at a time. It releases what it reads with, which may hang as a read may; who holds
 * the rest last, the thread or its owner, frees that.
 */
#include "recorder/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/timed_wait.h"
#include "recorder/unanswered.h"
#include "recorder/urgency.h"

enum { AT_MAX = 120 };
#define STOP_GRACE_NS INT64_C(2000000000)

enum phase {
    PHASE_IDLE,
    PHASE_ASKED,   /* the thread is to begin */
    PHASE_READING, /* it is at it */
    PHASE_READ,    /* to be taken */
};

struct worker {
    struct worker_job job;
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows; never held across a read */
    pthread_cond_t changed;
    enum phase phase;
    bool stop, ended, abandoned;
    bool awaited;     /* the sampling thread is in worker_wait */
    int64_t since_ns; /* the kick of the read that goes on */
    int64_t cpu_ns;
    enum status status;
    struct error err;
    char at[AT_MAX]; /* what is being read */

    /* of the sampling thread: what was told, what it is to do yet */
    int64_t again_ns; /* the tick at whose end it is to be kicked */
    bool late;
    int64_t late_since_ns;
    char late_at[AT_MAX];
};

static _Thread_local struct worker *current;

struct worker *worker_self(void)
{
    return current;
}

static int64_t thread_cpu_ns(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void release_job(const struct worker_job *job)
{
    if (job->release != NULL)
        job->release(job->self);
}

static void worker_free(struct worker *worker)
{
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

/* One read, with the lock held before and after. */
static void read_once(struct worker *worker)
{
    struct error err = { 0 };
    struct worker *before = current;
    int64_t start_ns;
    enum status st;

    worker->phase = PHASE_READING;
    worker->at[0] = '\0';
    pthread_mutex_unlock(&worker->lock);
    current = worker;
    start_ns = thread_cpu_ns();
    st = worker->job.read(worker->job.self, &err);
    start_ns = thread_cpu_ns() - start_ns;
    current = before;
    pthread_mutex_lock(&worker->lock);
    worker->cpu_ns += start_ns;
    worker->status = st;
    worker->err = err;
    worker->phase = PHASE_READ;
    if (worker->awaited)
        pthread_cond_broadcast(&worker->changed);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    bool abandoned;

    if (!worker->job.urgent)
        urgency_give_up();
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (!worker->stop && worker->phase != PHASE_ASKED)
            pthread_cond_wait(&worker->changed, &worker->lock);
        if (worker->stop)
            break;
        read_once(worker);
    }
    pthread_mutex_unlock(&worker->lock);
    release_job(&worker->job);
    pthread_mutex_lock(&worker->lock);
    worker->ended = true;
    abandoned = worker->abandoned;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    if (abandoned)
        worker_free(worker);
    return NULL;
}

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

enum status worker_start(struct worker **started, const struct worker_job *job, bool thread,
                         struct error *err)
{
    struct worker *worker = calloc(1, sizeof *worker);
    int failed;

    *started = NULL;
    if (worker == NULL) {
        release_job(job);
        return error_set(err, STATUS_NO_MEMORY, "thread of %s", job->name);
    }
    worker->job = *job;
    worker->threaded = thread;
    worker->again_ns = INT64_MIN;
    pthread_mutex_init(&worker->lock, NULL);
    timed_wait_init(&worker->changed);
    failed = thread ? start_thread(worker) : 0;
    if (failed != 0) {
        release_job(job);
        worker_free(worker);
        return error_set(err, STATUS_IO, "start the thread of %s: %s", job->name, strerror(failed));
    }
    *started = worker;
    return STATUS_OK;
}

/* Until the thread has ended, or for so long; then it is left what it has. True: it has ended. */
static bool await_end(struct worker *worker)
{
    int64_t until_ns = timed_wait_now_ns() + (worker->late ? 0 : STOP_GRACE_NS);
    bool ended, waits = true;

    pthread_mutex_lock(&worker->lock);
    worker->stop = true;
    pthread_cond_broadcast(&worker->changed);
    while (!worker->ended && waits)
        waits = timed_wait(&worker->changed, &worker->lock, until_ns);
    ended = worker->ended;
    worker->abandoned = !ended;
    if (!ended) /* before the lock is open: it may free all this then */
        pthread_detach(worker->thread);
    pthread_mutex_unlock(&worker->lock);
    return ended;
}

void worker_stop(struct worker *worker)
{
    if (worker == NULL)
        return;
    if (!worker->threaded)
        release_job(&worker->job);
    else if (await_end(worker))
        pthread_join(worker->thread, NULL);
    else
        return;
    worker_free(worker);
}

bool worker_kick(struct worker *worker, int64_t now_ns)
{
    bool idle;

    pthread_mutex_lock(&worker->lock);
    idle = worker->phase == PHASE_IDLE;
    if (idle) {
        worker->phase = PHASE_ASKED;
        worker->since_ns = now_ns;
        if (worker->threaded)
            pthread_cond_broadcast(&worker->changed);
        else
            read_once(worker);
    }
    pthread_mutex_unlock(&worker->lock);
    return idle;
}

bool worker_take(struct worker *worker, enum status *st, struct error *err)
{
    bool read;

    pthread_mutex_lock(&worker->lock);
    read = worker->phase == PHASE_READ;
    if (read) {
        worker->phase = PHASE_IDLE;
        *st = worker->status;
        *err = worker->err;
    }
    pthread_mutex_unlock(&worker->lock);
    return read;
}

bool worker_wait(struct worker *worker)
{
    int64_t until_ns = timed_wait_now_ns() + WORKER_WAIT_NS;
    bool read, waits = true;

    pthread_mutex_lock(&worker->lock);
    worker->awaited = true;
    while (worker->phase != PHASE_READ && waits)
        waits = timed_wait(&worker->changed, &worker->lock, until_ns);
    worker->awaited = false;
    read = worker->phase == PHASE_READ;
    pthread_mutex_unlock(&worker->lock);
    return read;
}

void worker_due(struct worker *worker, int64_t now_ns)
{
    worker->again_ns = worker_kick(worker, now_ns) ? INT64_MIN : now_ns;
}

bool worker_take_later(struct worker *worker, int64_t now_ns, enum status *st, struct error *err)
{
    bool early = worker->threaded && worker->since_ns == now_ns;

    return !early && worker_take(worker, st, err);
}

void worker_used(struct worker *worker, int64_t now_ns)
{
    if (worker->again_ns == now_ns)
        (void)worker_kick(worker, now_ns);
}

int64_t worker_kicked_ns(const struct worker *worker)
{
    return worker->since_ns;
}

void worker_at(struct worker *worker, const char *what)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&worker->lock);
    (void)snprintf(worker->at, sizeof worker->at, "%s", what);
    pthread_mutex_unlock(&worker->lock);
}

void worker_report(struct worker *worker, struct tick *tick)
{
    char what[AT_MAX + 40];
    bool reading, was_late = worker->late;

    pthread_mutex_lock(&worker->lock);
    reading = worker->phase == PHASE_ASKED || worker->phase == PHASE_READING;
    if (reading && !worker->late && tick->start_ns - worker->since_ns >= WORKER_PATIENCE_NS) {
        worker->late = true;
        worker->late_since_ns = worker->since_ns;
        memcpy(worker->late_at, worker->at, sizeof worker->late_at);
    } else if (worker->late && (!reading || worker->since_ns != worker->late_since_ns)) {
        worker->late = false;
    }
    pthread_mutex_unlock(&worker->lock);
    if (worker->late == was_late)
        return;
    (void)snprintf(what, sizeof what, "%s%s%s", worker->job.name,
                   worker->late_at[0] != '\0' ? ": " : "", worker->late_at);
    if (worker->late)
        unanswered_begins(tick, worker->late_since_ns, 0, what);
    else
        unanswered_ends(tick, worker->late_since_ns, 0, what);
}

int64_t worker_late(const struct worker *worker)
{
    return worker != NULL && worker->late ? 1 : 0;
}

int64_t worker_cpu_ns(struct worker *worker)
{
    int64_t cpu_ns;

    if (worker == NULL)
        return 0;
    pthread_mutex_lock(&worker->lock);
    cpu_ns = worker->cpu_ns;
    pthread_mutex_unlock(&worker->lock);
    return cpu_ns;
}
