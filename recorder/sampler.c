/* The sampling thread and the writer thread. */
#include "recorder/sampler.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/queue.h"
#include "recorder/schedule.h"
#include "recorder/unanswered.h"

/* What happened since the latest tick that was collected; told in the next one. */
struct untold {
    int64_t missed, late_ns;
    int64_t dropped, dropped_from_ns;
    int64_t suspended_ns, stepped_ns;
};

struct sampler {
    struct sampler_options options;
    struct schedule schedule;
    struct queue queue;
    int64_t end_boot_ns;
    int64_t seq;
    struct untold untold;
    struct sampler_totals totals; /* `lost` is the writer thread's, the others the sampler's */
    atomic_bool stop;
    _Atomic int64_t due_boot_ns; /* when the sampling thread is to wake up next */
    bool has_sampling_thread, has_writer_thread;
    pthread_t sampling_thread, writer_thread;

    pthread_mutex_t lock;   /* of what follows */
    struct error failure;   /* ended the recording; status OK: none */
    char message[512];      /* "" when told */
    int64_t message_due_ns; /* on the boot clock: no other before that */
};

static int64_t now_boot_ns(const struct sampler *s)
{
    return s->options.clock->boot_ns(s->options.clock->self);
}

/* --- messages -------------------------------------------------------------------------------- */

/* Leave a message for the main thread; one of the last minute speaks for those that follow. */
static void tell(struct sampler *s, bool always, const char *text, const char *detail)
{
    bool tell_now;
    int64_t now_ns = now_boot_ns(s);

    pthread_mutex_lock(&s->lock);
    tell_now = always || now_ns >= s->message_due_ns;
    if (tell_now) {
        (void)snprintf(s->message, sizeof s->message, "%s%s", text, detail);
        s->message_due_ns = now_ns + s->options.message_ns;
    }
    pthread_mutex_unlock(&s->lock);
    if (tell_now)
        s->options.notify(s->options.notify_self, SAMPLER_TROUBLE);
}

bool sampler_message(struct sampler *sampler, char *text, size_t size)
{
    bool any;

    pthread_mutex_lock(&sampler->lock);
    any = sampler->message[0] != '\0';
    (void)snprintf(text, size, "%s", sampler->message);
    sampler->message[0] = '\0';
    pthread_mutex_unlock(&sampler->lock);
    return any;
}

bool sampler_on_time(const struct sampler *sampler, int64_t grace_ns)
{
    return now_boot_ns(sampler) - atomic_load(&sampler->due_boot_ns) <= grace_ns;
}

/* The recording cannot go on: keep the first reason and end the sampling. */
static void fail(struct sampler *s, const struct error *err)
{
    pthread_mutex_lock(&s->lock);
    if (s->failure.status == STATUS_OK)
        s->failure = *err;
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->stop, true);
    s->options.wake(s->options.notify_self);
}

/* --- sampling thread ------------------------------------------------------------------------- */

static void add_event(struct tick *tick, const char *kind, int64_t from_ns, int64_t duration_ns,
                      int64_t value)
{
    struct tick_event *event = tick_add_event(tick);

    if (event == NULL)
        return;
    event->at_ns = from_ns;
    event->duration_ns = duration_ns;
    event->value = value;
    event->kind = tick_add_text(tick, kind, strlen(kind));
    event->detail = tick_add_text(tick, "", 0);
}

static void add_events(struct tick *tick, const struct untold *untold)
{
    int64_t now_ns = tick->start_ns;

    if (untold->suspended_ns > 0)
        add_event(tick, "suspend", now_ns - untold->suspended_ns, untold->suspended_ns, 0);
    if (untold->missed > 0)
        add_event(tick, "late", now_ns - untold->late_ns, untold->late_ns, untold->missed);
    if (untold->dropped > 0)
        add_event(tick, "dropped", untold->dropped_from_ns, now_ns - untold->dropped_from_ns,
                  untold->dropped);
    if (untold->stepped_ns != 0)
        add_event(tick, "clock_step", now_ns, 0, untold->stepped_ns);
}

static void note(struct untold *untold, const struct schedule_tick *at, int64_t interval_ns)
{
    untold->suspended_ns += at->suspended_ns;
    untold->stepped_ns += at->stepped_ns;
    untold->missed += at->missed;
    if (at->missed > 0)
        untold->late_ns += at->missed * interval_ns + at->lateness_ns;
}

static void drop(struct sampler *s, int64_t start_ns)
{
    if (s->untold.dropped == 0)
        s->untold.dropped_from_ns = start_ns;
    s->untold.dropped++;
    s->totals.dropped++;
}

/* What collectors wait for in vain belongs into the log as well: in one line, there is one message. */
static void tell_unanswered(struct sampler *s, const struct tick *tick)
{
    char line[sizeof s->message] = "";

    for (size_t i = 0; i < tick->event_count; i++) {
        char text[300];
        size_t used = strlen(line);

        if (unanswered_text(tick, &tick->events[i], text, sizeof text))
            (void)snprintf(line + used, sizeof line - used, "%s%s", used > 0 ? "; " : "", text);
    }
    if (line[0] != '\0')
        tell(s, true, line, "");
}

/* Collect one tick and hand it on; a full queue costs the tick, no memory the recording. */
static void take_tick(struct sampler *s, const struct schedule_tick *at, bool has_deadline)
{
    struct recorder_stats *stats = &s->options.collect->stats;
    const struct timebase *timebase = &s->options.timebase;
    struct tick *tick = queue_spare(&s->queue);
    struct error err;

    note(&s->untold, at, s->options.interval_ns);
    s->totals.missed += at->missed;
    if (tick == NULL) {
        drop(s, timebase_at(timebase, at->boot_ns));
        return;
    }
    tick->seq = s->seq;
    tick->start_ns = timebase_at(timebase, at->boot_ns);
    tick->wall_ns = at->wall_ns;
    tick->gap_before = s->untold.suspended_ns > 0;
    add_events(tick, &s->untold);
    stats->lateness_ns = has_deadline ? at->lateness_ns : -1;
    stats->ticks_missed = s->totals.missed;
    stats->ticks_dropped = s->totals.dropped;
    if (!collect_tick(s->options.collect, tick))
        tell(s, false, "a collector failed: ", s->options.collect->last_failure.message);
    tell_unanswered(s, tick);
    tick->end_ns = timebase_at(timebase, now_boot_ns(s));
    if (tick->no_memory) {
        (void)error_set(&err, STATUS_NO_MEMORY, "tick %" PRId64 " of this session", s->seq);
        queue_give_back(&s->queue, tick);
        fail(s, &err);
        return;
    }
    s->untold = (struct untold){ 0 };
    s->seq++;
    s->totals.ticks++;
    s->totals.processes += (int64_t)tick->birth_count;
    queue_put(&s->queue, tick);
}

static void *sample(void *self)
{
    struct sampler *s = self;
    struct schedule_tick at;
    enum schedule_wake wake = SCHEDULE_TICK;

    while (!atomic_load(&s->stop) && wake != SCHEDULE_END) {
        atomic_store(&s->due_boot_ns, s->schedule.next_boot_ns);
        wake = schedule_wait(&s->schedule, s->end_boot_ns, &at);
        if (wake == SCHEDULE_TICK)
            take_tick(s, &at, true);
    }
    if (schedule_final(&s->schedule, s->options.last_apart_ns, &at))
        take_tick(s, &at, false);
    queue_close(&s->queue);
    s->options.notify(s->options.notify_self, SAMPLER_ENDED);
    return NULL;
}

/* --- writer thread --------------------------------------------------------------------------- */

static bool may_pass(enum status st)
{
    return st == STATUS_IO || st == STATUS_FULL || st == STATUS_NO_MEMORY;
}

/* Store one tick, again and again while that may help; false when it never will. */
static bool store(struct sampler *s, const struct tick *tick)
{
    struct error err = { 0 };
    bool closed = false;
    int attempts = 0;

    for (;;) {
        enum status st = s->options.store(s->options.store_self, tick, &err);

        if (st == STATUS_OK) {
            if (attempts > 0)
                tell(s, true, "writing works again", "");
            return true;
        }
        if (!may_pass(st)) {
            err.status = st;
            fail(s, &err);
            return false;
        }
        tell(s, false, "cannot write, will go on trying: ", err.message);
        if (closed)
            return false;
        attempts++;
        closed = queue_pause(&s->queue, s->options.retry_ns);
    }
}

static void *write_ticks(void *self)
{
    struct sampler *s = self;
    struct tick *tick;
    bool works = true;

    while ((tick = queue_take(&s->queue)) != NULL) {
        works = works && store(s, tick);
        if (!works)
            s->totals.lost++;
        queue_give_back(&s->queue, tick);
    }
    return NULL;
}

/* --- start and stop -------------------------------------------------------------------------- */

static enum status start_threads(struct sampler *s, struct error *err)
{
    int failed = pthread_create(&s->writer_thread, NULL, write_ticks, s);

    s->has_writer_thread = failed == 0;
    if (failed == 0) {
        failed = pthread_create(&s->sampling_thread, NULL, sample, s);
        s->has_sampling_thread = failed == 0;
    }
    return failed == 0 ? STATUS_OK
                       : error_set(err, STATUS_IO, "start a thread: %s", strerror(failed));
}

enum status sampler_start(struct sampler **sampler, const struct sampler_options *options,
                          struct error *err)
{
    struct sampler *s = calloc(1, sizeof *s);
    struct schedule_tick first;
    enum status st;

    *sampler = NULL;
    if (s == NULL)
        return error_set(err, STATUS_NO_MEMORY, "sampler");
    st = queue_init(&s->queue, options->queue_ticks, err);
    if (st != STATUS_OK) {
        free(s);
        return st;
    }
    s->options = *options;
    (void)pthread_mutex_init(&s->lock, NULL);
    atomic_init(&s->stop, false);
    s->end_boot_ns = INT64_MAX;
    if (options->duration_ns > 0)
        s->end_boot_ns = now_boot_ns(s) + options->duration_ns;
    schedule_init(&s->schedule, options->clock, options->timebase, options->interval_ns, &first);
    take_tick(s, &first, false);
    atomic_init(&s->due_boot_ns, s->schedule.next_boot_ns);
    st = start_threads(s, err);
    if (st != STATUS_OK) {
        struct sampler_totals totals;
        struct error ignored;

        (void)!sampler_stop(s, &totals, &ignored);
        return st;
    }
    *sampler = s;
    return STATUS_OK;
}

enum status sampler_stop(struct sampler *sampler, struct sampler_totals *totals, struct error *err)
{
    struct error failure;

    *totals = (struct sampler_totals){ 0 };
    if (sampler == NULL)
        return STATUS_OK;
    atomic_store(&sampler->stop, true);
    sampler->options.wake(sampler->options.notify_self);
    if (sampler->has_sampling_thread)
        (void)pthread_join(sampler->sampling_thread, NULL);
    queue_close(&sampler->queue);
    if (sampler->has_writer_thread)
        (void)pthread_join(sampler->writer_thread, NULL);
    *totals = sampler->totals;
    failure = sampler->failure;
    queue_release(&sampler->queue);
    pthread_mutex_destroy(&sampler->lock);
    free(sampler);
    if (failure.status != STATUS_OK)
        *err = failure;
    return failure.status;
}
