/* The calls of the control thread, and what the other threads do for it. */
#include "recorder/session_control.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/notices.h"
#include "recorder/session.h"
#include "schema/control_address.h"

static const int64_t ask_ns = INT64_C(2) * 1000000000;
static const int64_t answer_ns = INT64_C(5) * 1000000000;
static const int64_t flush_ns = INT64_C(20) * 1000000000;

/* --- messages --- */

/* The latest wins: each is rare, and the main thread takes it at once. */
static void log_line(void *self, const char *text)
{
    struct session_control *c = &((struct session *)self)->control;

    pthread_mutex_lock(&c->lock);
    (void)snprintf(c->message, sizeof c->message, "%s", text);
    pthread_mutex_unlock(&c->lock);
    notices_send(NOTICE_TROUBLE);
}

bool session_control_message(struct session *session, char *text, size_t size)
{
    struct session_control *c = &session->control;
    bool any;

    if (!c->opened)
        return false;
    pthread_mutex_lock(&c->lock);
    any = c->message[0] != '\0';
    (void)snprintf(text, size, "%s", c->message);
    c->message[0] = '\0';
    pthread_mutex_unlock(&c->lock);
    return any;
}

/* --- requests --- */

static enum status mark(void *self, uid_t uid, const char *text, size_t size, struct error *err)
{
    struct session *session = self;
    struct session_control *c = &session->control;
    const struct clock *clock = &session->clock;
    int64_t now_ns = timebase_at(&session->context.timebase, clock->boot_ns(clock->self));
    enum status st = STATUS_OK;
    size_t count;

    pthread_mutex_lock(&c->lock);
    count = atomic_load(&c->mark_count);
    if (count == MARKS_MAX) {
        st = error_set(err, STATUS_FULL, "%d marks wait for the next tick: try again after it",
                       MARKS_MAX);
    } else {
        c->mark[count] = (struct session_mark){ .at_ns = now_ns, .uid = uid, .size = size };
        memcpy(c->mark[count].text, text, size);
        atomic_store(&c->mark_count, count + 1);
    }
    pthread_mutex_unlock(&c->lock);
    return st;
}

static void flush(void *self)
{
    sampler_poke(((struct session *)self)->sampler);
}

/* Like a SIGTERM from outside: the main thread ends a command first, if there is one. */
static void stop(void *self)
{
    (void)self;
    (void)raise(SIGTERM);
}

/* Viewers of the control socket, and of the live service. */
enum viewers { VIEWERS_SOCKET = 1, VIEWERS_SERVICE = 2 };

static enum status begin_watching(struct session *session, enum viewers whose, int *fd,
                                  struct error *err)
{
    struct session_control *c = &session->control;
    enum status st;

    pthread_mutex_lock(&c->viewers_lock);
    st = live_publisher_watch(&c->publisher, fd, err);
    if (st == STATUS_OK)
        c->viewers |= whose;
    pthread_mutex_unlock(&c->viewers_lock);
    if (st == STATUS_OK)
        sampler_poke(session->sampler); /* the first tick to show is there already */
    return st;
}

static void end_watching(struct session *session, enum viewers whose)
{
    struct session_control *c = &session->control;

    pthread_mutex_lock(&c->viewers_lock);
    c->viewers &= ~(unsigned)whose;
    if (c->viewers == 0)
        live_publisher_unwatch(&c->publisher);
    pthread_mutex_unlock(&c->viewers_lock);
}

static enum status watch(void *self, int *fd, struct error *err)
{
    return begin_watching(self, VIEWERS_SOCKET, fd, err);
}

static void unwatch(void *self)
{
    end_watching(self, VIEWERS_SOCKET);
}

/* The memory stays as long as the service has viewers: it is looked at without the lock. */
static enum status watch_by_service(void *self, const void **memory, size_t *size,
                                    uint64_t *generation, struct error *err)
{
    struct session *session = self;
    int fd;

    if (begin_watching(session, VIEWERS_SERVICE, &fd, err) != STATUS_OK)
        return err->status;
    live_publisher_memory(&session->control.publisher, memory, size, generation);
    return STATUS_OK;
}

static void unwatch_by_service(void *self)
{
    end_watching(self, VIEWERS_SERVICE);
}

/* --- for the other threads --- */

void session_control_add_events(void *self, struct tick *tick)
{
    static const char kind[] = "mark";
    struct session_control *c = &((struct session *)self)->control;

    if (!c->opened || atomic_load(&c->mark_count) == 0)
        return;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < atomic_load(&c->mark_count); i++) {
        const struct session_mark *m = &c->mark[i];
        struct tick_event *event = tick_add_event(tick);

        if (event == NULL)
            break;
        event->at_ns = m->at_ns;
        event->value = (int64_t)m->uid;
        event->kind = tick_add_text(tick, kind, sizeof kind - 1);
        event->detail = tick_add_text(tick, m->text, m->size);
    }
    atomic_store(&c->mark_count, 0);
    pthread_mutex_unlock(&c->lock);
}

void session_control_publish(struct session *session, const struct tick *tick)
{
    if (session->control.opened)
        live_publish(&session->control.publisher, session->writer, tick);
}

void session_control_attend(void *self)
{
    struct session *session = self;
    struct session_control *c = &session->control;
    uint64_t wanted = control_flush_wanted(c->control);
    struct error err = { 0 };

    session_control_publish(session, NULL);
    if (wanted == c->flush_done)
        return;
    c->flush_done = wanted;
    control_flushed(c->control, wanted, writer_flush(session->writer, &err), err.message);
}

/* --- open and close --- */

enum status session_control_group(const char *name, gid_t *group, struct error *err)
{
    const struct group *entry = getgrnam(name);
    char *end;
    unsigned long number;

    if (entry != NULL) {
        *group = entry->gr_gid;
        return STATUS_OK;
    }
    errno = 0;
    number = strtoul(name, &end, 10);
    if (name[0] < '0' || name[0] > '9' || *end != '\0' || errno != 0 || number >= (gid_t)-1)
        return error_set(err, STATUS_INVALID, "\"%.60s\": there is no such group", name);
    *group = (gid_t)number;
    return STATUS_OK;
}

static enum status open_socket(struct session *session, const struct options *options,
                               struct error *err)
{
    struct session_control *c = &session->control;
    struct control_options how = {
        .path = options->control,
        .has_group = options->control_group != NULL,
        .ask_ns = ask_ns,
        .answer_ns = answer_ns,
        .flush_ns = flush_ns,
        .clock = &session->clock,
        .calls = { session_status, mark, flush, stop, watch, unwatch, log_line, session },
    };

    if (how.has_group &&
        session_control_group(options->control_group, &how.group, err) != STATUS_OK)
        return err->status;
    if (how.path == NULL) {
        if (control_address_path(c->path, sizeof c->path, session->path, err) != STATUS_OK)
            return err->status;
    } else if ((size_t)snprintf(c->path, sizeof c->path, "%s", how.path) >= sizeof c->path) {
        return error_set(err, STATUS_INVALID, "--control: the path is too long");
    }
    how.path = c->path;
    return control_open(&c->control, &how, err);
}

static void say_why_not(struct session *session, const struct error *err)
{
    char text[600];

    (void)snprintf(text, sizeof text, "%s; recording goes on without a control socket",
                   err->message);
    log_line(session, text);
}

void session_control_open(struct session *session, const struct options *options)
{
    struct session_control *c = &session->control;
    struct error err = { 0 };

    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_mutex_init(&c->viewers_lock, NULL);
    live_publisher_init(&c->publisher, &session->facts);
    c->opened = true;
    c->off = options->control != NULL && strcmp(options->control, "none") == 0;
    if (c->off)
        return;
    if (open_socket(session, options, &err) != STATUS_OK)
        say_why_not(session, &err);
}

static void start_service(struct session *session)
{
    const struct live_service_calls calls = { watch_by_service, unwatch_by_service, log_line,
                                              session };
    struct error err = { 0 };
    enum status st = live_service_start(&session->control.service, geteuid(), &calls, &err);
    char text[600];

    if (st == STATUS_OK || st == STATUS_ABSENT)
        return;
    (void)snprintf(text, sizeof text, "%s; recording goes on without a live service", err.message);
    log_line(session, text);
}

void session_control_start(struct session *session)
{
    struct session_control *c = &session->control;
    struct error err = { 0 };

    if (!c->off)
        start_service(session);
    if (c->control == NULL || control_start(c->control, &err) == STATUS_OK)
        return;
    control_close(c->control, false, "");
    c->control = NULL;
    say_why_not(session, &err);
}

void session_control_stop(struct session *session)
{
    live_service_stop(session->control.service);
    session->control.service = NULL;
    control_stop(session->control.control);
}

void session_control_close(struct session *session, bool ok, const char *message)
{
    struct session_control *c = &session->control;

    if (!c->opened)
        return;
    control_close(c->control, ok, message);
    live_publisher_release(&c->publisher);
    pthread_mutex_destroy(&c->viewers_lock);
    pthread_mutex_destroy(&c->lock);
    memset(c, 0, sizeof *c);
}
