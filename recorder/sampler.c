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
    int64_t dropped, dropped_from_ns, dropped_to_ns;
    bool dropping;     /* for this tick, too */
    int64_t processes; /* not told whole, for what was dropped */
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

    pthread_mutex_t lock; /* of what follows */
    struct sampler_state state;
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

/* What sampler_state tells. The other thread's totals are not touched. */
static void note_tick(struct sampler *s, const struct tick *tick, int64_t lateness_ns)
{
    pthread_mutex_lock(&s->lock);
    s->state.totals = (struct sampler_totals){ .ticks = s->totals.ticks,
                                               .processes = s->totals.processes,
                                               .missed = s->totals.missed,
                                               .dropped = s->totals.dropped,
                                               .lost = s->state.totals.lost };
    s->state.tick_ns = tick->start_ns;
    s->state.lateness_ns = lateness_ns;
    s->state.processes_now = (int64_t)tick->table[TABLE_PROCESS].row_count;
    pthread_mutex_unlock(&s->lock);
}

/* Whether writing works: NULL, or why not. */
static void note_trouble(struct sampler *s, const char *why)
{
    pthread_mutex_lock(&s->lock);
    if (why == NULL)
        s->state.trouble_since_ns = INT64_MIN;
    else if (s->state.trouble_since_ns == INT64_MIN)
        s->state.trouble_since_ns = now_boot_ns(s);
    (void)snprintf(s->state.trouble, sizeof s->state.trouble, "%s", why == NULL ? "" : why);
    pthread_mutex_unlock(&s->lock);
}

void sampler_state(struct sampler *sampler, struct sampler_state *state)
{
    int64_t queued = (int64_t)queue_waiting(&sampler->queue);

    pthread_mutex_lock(&sampler->lock);
    *state = sampler->state;
    pthread_mutex_unlock(&sampler->lock);
    state->queued = queued;
}

void sampler_poke(struct sampler *sampler)
{
    queue_poke(&sampler->queue);
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

static struct tick_event *add_event(struct tick *tick, const char *kind, int64_t from_ns,
                                    int64_t duration_ns, int64_t value)
{
    struct tick_event *event = tick_add_event(tick);

    if (event == NULL)
        return NULL;
    event->at_ns = from_ns;
    event->duration_ns = duration_ns;
    event->value = value;
    event->kind = tick_add_text(tick, kind, strlen(kind));
    event->detail = tick_add_text(tick, "", 0);
    return event;
}

static void add_events(struct tick *tick, const struct untold *untold)
{
    int64_t now_ns = tick->start_ns;

    if (untold->suspended_ns > 0)
        (void)add_event(tick, "suspend", now_ns - untold->suspended_ns, untold->suspended_ns, 0);
    if (untold->missed > 0)
        (void)add_event(tick, "late", now_ns - untold->late_ns, untold->late_ns, untold->missed);
    if (untold->stepped_ns != 0)
        (void)add_event(tick, "clock_step", now_ns, 0, untold->stepped_ns);
}

/*
 * Ticks that were given up while they waited for a disk, and those that were not even collected:
 * one event once the queue is no longer full, or at the end.
 */
static void add_dropped(struct sampler *s, struct tick *tick, bool last)
{
    struct untold *untold = &s->untold;
    struct tick_event *event;
    char detail[160];

    if (untold->dropped == 0 ||
        (!last && (untold->dropping || queue_waiting(&s->queue) > s->queue.size / 2)))
        return;
    event = add_event(tick, "dropped", untold->dropped_from_ns,
                      untold->dropped_to_ns - untold->dropped_from_ns, untold->dropped);
    (void)snprintf(detail, sizeof detail,
                   "the recording could not be written for a while; what waited was thinned, "
                   "%" PRId64 " processes are not told whole",
                   untold->processes);
    if (event != NULL)
        event->detail = tick_add_text(tick, detail, strlen(detail));
    untold->dropped = untold->processes = 0;
}

static void note(struct untold *untold, const struct schedule_tick *at, int64_t interval_ns)
{
    untold->suspended_ns += at->suspended_ns;
    untold->stepped_ns += at->stepped_ns;
    untold->missed += at->missed;
    if (at->missed > 0)
        untold->late_ns += at->missed * interval_ns + at->lateness_ns;
}

static void count_dropped(struct sampler *s, int64_t ticks, int64_t from_ns, int64_t to_ns)
{
    struct untold *untold = &s->untold;

    if (untold->dropped == 0 || from_ns < untold->dropped_from_ns)
        untold->dropped_from_ns = from_ns;
    if (untold->dropped == 0 || to_ns > untold->dropped_to_ns)
        untold->dropped_to_ns = to_ns;
    untold->dropped += ticks;
    s->totals.dropped += ticks;
}

/* A tick to fill; what the queue gave up for it is counted. */
static struct tick *spare_tick(struct sampler *s, int64_t start_ns)
{
    struct tick *tick = queue_spare(&s->queue);
    struct queue_loss *loss = &s->queue.loss;

    s->untold.dropping = loss->ticks > 0;
    if (loss->ticks > 0)
        count_dropped(s, loss->ticks, loss->from_ns, loss->to_ns);
    s->untold.processes += loss->processes;
    *loss = (struct queue_loss){ 0 };
    if (tick == NULL)
        count_dropped(s, 1, start_ns, start_ns + s->options.interval_ns);
    return tick;
}

/*
 * What collectors wait for in vain, and which run less, belongs into the log as well: in one line, there is
 * one message.
 */
static void tell_collectors(struct sampler *s, const struct tick *tick)
{
    char line[sizeof s->message] = "";

    for (size_t i = 0; i < tick->event_count; i++) {
        char text[300];
        size_t used = strlen(line);

        if (unanswered_text(tick, &tick->events[i], text, sizeof text) ||
            budget_text(tick, &tick->events[i], text, sizeof text))
            (void)snprintf(line + used, sizeof line - used, "%s%s", used > 0 ? "; " : "", text);
    }
    if (line[0] != '\0')
        tell(s, true, line, "");
}

/* Which tick of a session: the first and the last come when they come. */
enum turn { TURN_FIRST, TURN_DUE, TURN_LAST };

/* Collect one tick and hand it on; no memory costs the recording. */
static void take_tick(struct sampler *s, const struct schedule_tick *at, enum turn turn)
{
    struct recorder_stats *stats = &s->options.collect->stats;
    const struct timebase *timebase = &s->options.timebase;
    int64_t start_ns = timebase_at(timebase, at->boot_ns);
    struct tick *tick = spare_tick(s, start_ns);
    struct error err;

    note(&s->untold, at, s->options.interval_ns);
    s->totals.missed += at->missed;
    if (tick == NULL)
        return;
    tick->seq = s->seq;
    tick->start_ns = start_ns;
    tick->slots_held = queue_waiting(&s->queue) > 0;
    tick->is_last = turn == TURN_LAST;
    tick->wall_ns = at->wall_ns;
    tick->gap_before = s->untold.suspended_ns > 0;
    add_dropped(s, tick, tick->is_last);
    add_events(tick, &s->untold);
    if (s->options.add_events != NULL)
        s->options.add_events(s->options.events_self, tick);
    stats->lateness_ns = turn == TURN_DUE ? at->lateness_ns : -1;
    stats->ticks_missed = s->totals.missed;
    stats->ticks_dropped = s->totals.dropped;
    if (!collect_tick(s->options.collect, tick))
        tell(s, false, "a collector failed: ", s->options.collect->last_failure.message);
    tell_collectors(s, tick);
    tick->end_ns = timebase_at(timebase, now_boot_ns(s));
    if (tick->no_memory) {
        (void)error_set(&err, STATUS_NO_MEMORY, "tick %" PRId64 " of this session", s->seq);
        queue_give_back(&s->queue, tick);
        fail(s, &err);
        return;
    }
    s->untold.missed = s->untold.late_ns = s->untold.suspended_ns = s->untold.stepped_ns = 0;
    s->seq++;
    s->totals.ticks++;
    s->totals.processes += (int64_t)tick->birth_count;
    note_tick(s, tick, stats->lateness_ns);
    queue_put(&s->queue, tick);
}

static void *sample(void *self)
{
    struct sampler *s = self;
    struct schedule_tick at;
    enum schedule_wake wake = SCHEDULE_TICK;

    if (s->options.prepare_thread != NULL)
        s->options.prepare_thread(s->options.interval_ns);
    while (!atomic_load(&s->stop) && wake != SCHEDULE_END) {
        atomic_store(&s->due_boot_ns, s->schedule.next_boot_ns);
        wake = schedule_wait(&s->schedule, s->end_boot_ns, &at);
        if (wake == SCHEDULE_TICK)
            take_tick(s, &at, TURN_DUE);
    }
    if (schedule_final(&s->schedule, s->options.last_apart_ns, &at))
        take_tick(s, &at, TURN_LAST);
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
            if (attempts > 0) {
                note_trouble(s, NULL);
                tell(s, true, "writing works again", "");
            }
            return true;
        }
        if (!may_pass(st)) {
            err.status = st;
            fail(s, &err);
            return false;
        }
        note_trouble(s, err.message);
        tell(s, false, "cannot write, will go on trying: ", err.message);
        if (closed)
            return false;
        attempts++;
        closed = queue_pause(&s->queue, s->options.retry_ns);
    }
}

static void count_lost(struct sampler *s)
{
    pthread_mutex_lock(&s->lock);
    s->state.totals.lost = ++s->totals.lost;
    pthread_mutex_unlock(&s->lock);
}

static void *write_ticks(void *self)
{
    struct sampler *s = self;
    struct tick *tick;
    bool works = true;

    if (s->options.prepare_writer != NULL)
        s->options.prepare_writer();
    for (;;) {
        tick = queue_take(&s->queue);
        if (tick == NULL && queue_poked(&s->queue)) {
            if (works && s->options.attend != NULL)
                s->options.attend(s->options.store_self);
            continue;
        }
        if (tick == NULL)
            return NULL;
        works = works && store(s, tick);
        if (!works)
            count_lost(s);
        queue_give_back(&s->queue, tick);
    }
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
    s->state = (struct sampler_state){ .tick_ns = INT64_MIN, .trouble_since_ns = INT64_MIN };
    atomic_init(&s->stop, false);
    s->end_boot_ns = INT64_MAX;
    if (options->duration_ns > 0)
        s->end_boot_ns = now_boot_ns(s) + options->duration_ns;
    schedule_init(&s->schedule, options->clock, options->timebase, options->interval_ns, &first);
    take_tick(s, &first, TURN_FIRST);
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
