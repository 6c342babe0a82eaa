/* The control thread: one poll over the socket, its connections, and a pipe that wakes it. */
#include "recorder/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/control_connection.h"
#include "recorder/urgency.h"

enum { CONNECTIONS_MAX = 16, VIEWERS_MAX = 8, POLLED_MAX = CONNECTIONS_MAX + 2 };

static const int64_t ms_ns = 1000000;
/* After a stranger nobody is let in for a moment: one who comes again and again costs little. */
static const int64_t rest_ns = INT64_C(20) * 1000000;
static const int64_t log_every_ns = INT64_C(60) * 1000000000;

struct control {
    struct control_options options;
    char *path;
    int fd;      /* -1 once stopped */
    int wake[2]; /* a pipe */
    bool started;
    pthread_t thread;
    atomic_bool stop;
    uid_t own_uid;

    /* the control thread's */
    struct control_connection connections[CONNECTIONS_MAX];
    bool watched;
    int64_t rest_until_ns, log_due_ns;
    int64_t refused; /* since the last line in the log */
    atomic_uint_fast64_t flush_wanted;

    pthread_mutex_t lock; /* of what follows */
    uint64_t flushed;     /* the last flush that came to an end */
    enum status flush_status;
    char flush_message[400];
};

static int64_t now_ns(const struct control *c)
{
    return c->options.clock->awake_ns(c->options.clock->self);
}

static void wake(struct control *c)
{
    ssize_t sent = write(c->wake[1], "", 1);

    (void)sent; /* full: it wakes up all the same */
}

/* --- answers --- */

static void answer(struct control *c, struct control_connection *to, bool ok, const char *text)
{
    connection_answer(to, ok, text, strlen(text), now_ns(c) + c->options.answer_ns);
}

static void answer_status(struct control *c, struct control_connection *to)
{
    char *text = c->options.calls.status(c->options.calls.self);

    answer(c, to, text != NULL, text != NULL ? text : "out of memory");
    free(text);
}

static void answer_mark(struct control *c, struct control_connection *to,
                        const struct control_request *request)
{
    struct error err = { 0 };
    enum status st = c->options.calls.mark(c->options.calls.self, to->peer.uid, request->text,
                                           request->text_size, &err);

    answer(c, to, st == STATUS_OK, st == STATUS_OK ? "" : err.message);
}

static void begin_flush(struct control *c, struct control_connection *to)
{
    to->wanted = atomic_fetch_add(&c->flush_wanted, 1) + 1;
    to->state = CONNECTION_FLUSHING;
    to->deadline_ns = now_ns(c) + c->options.flush_ns;
    c->options.calls.flush(c->options.calls.self);
}

static size_t count_viewers(const struct control *c)
{
    size_t count = 0;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        count += c->connections[i].state == CONNECTION_WATCHING ||
                 c->connections[i].then == CONNECTION_WATCHING;
    return count;
}

static void begin_watching(struct control *c, struct control_connection *to)
{
    struct error err = { 0 };
    int fd = -1;

    if (count_viewers(c) == VIEWERS_MAX) {
        answer(c, to, false, "there are as many viewers as can be: 8");
        return;
    }
    if (c->options.calls.watch(c->options.calls.self, &fd, &err) != STATUS_OK) {
        answer(c, to, false, err.message);
        return;
    }
    c->watched = true;
    to->pass_fd = fd;
    to->then = CONNECTION_WATCHING;
    answer(c, to, true, "");
}

static void obey(struct control *c, struct control_connection *from, size_t size)
{
    struct control_request request;
    struct error err = { 0 };

    if (control_request_parse(&request, from->request, size, &err) != STATUS_OK) {
        answer(c, from, false, err.message);
        return;
    }
    switch (request.command) {
    case CONTROL_STATUS:
        answer_status(c, from);
        break;
    case CONTROL_MARK:
        answer_mark(c, from, &request);
        break;
    case CONTROL_FLUSH:
        begin_flush(c, from);
        break;
    case CONTROL_STOP:
        from->state = CONNECTION_STOPPING;
        from->deadline_ns = INT64_MAX;
        c->options.calls.stop(c->options.calls.self);
        break;
    case CONTROL_LIVE:
        begin_watching(c, from);
        break;
    case CONTROL_COMMAND_COUNT:
        break;
    }
}

static void hear(struct control *c, struct control_connection *from)
{
    size_t size = 0;

    switch (connection_read(from, &size)) {
    case CONNECTION_NOTHING:
        break;
    case CONNECTION_REQUEST:
        obey(c, from, size);
        break;
    case CONNECTION_GONE:
        connection_end(from);
        break;
    case CONNECTION_TOO_LONG:
        answer(c, from, false, "the request is too long");
        break;
    }
}

/* --- flushes --- */

uint64_t control_flush_wanted(struct control *control)
{
    return control == NULL ? 0 : atomic_load(&control->flush_wanted);
}

void control_flushed(struct control *control, uint64_t wanted, enum status st, const char *message)
{
    pthread_mutex_lock(&control->lock);
    control->flushed = wanted;
    control->flush_status = st;
    (void)snprintf(control->flush_message, sizeof control->flush_message, "%.399s", message);
    pthread_mutex_unlock(&control->lock);
    wake(control);
}

static void answer_flushes(struct control *c)
{
    char message[sizeof c->flush_message];
    uint64_t flushed;
    bool ok;

    pthread_mutex_lock(&c->lock);
    flushed = c->flushed;
    ok = c->flush_status == STATUS_OK;
    memcpy(message, c->flush_message, sizeof message);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct control_connection *to = &c->connections[i];

        if (to->state == CONNECTION_FLUSHING && to->wanted <= flushed)
            answer(c, to, ok, ok ? "" : message);
    }
}

/* --- deadlines --- */

static void expire(struct control *c, struct control_connection *late)
{
    if (late->state == CONNECTION_FLUSHING)
        answer(c, late, false,
               "not everything could be written in time; procscope status tells what is wrong");
    else
        connection_end(late);
}

static void expire_all(struct control *c)
{
    int64_t now = now_ns(c);

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (c->connections[i].state != CONNECTION_NONE && c->connections[i].deadline_ns <= now)
            expire(c, &c->connections[i]);
}

/* Until the first deadline; -1: there is none. */
static int patience_ms(const struct control *c)
{
    int64_t first = INT64_MAX, wait_ms;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (c->connections[i].state != CONNECTION_NONE && c->connections[i].deadline_ns < first)
            first = c->connections[i].deadline_ns;
    if (c->rest_until_ns != 0 && c->rest_until_ns < first)
        first = c->rest_until_ns;
    if (first == INT64_MAX)
        return -1;
    wait_ms = (first - now_ns(c)) / ms_ns + 1;
    return wait_ms < 0 ? 0 : wait_ms > 60000 ? 60000 : (int)wait_ms;
}

/* --- who comes --- */

static bool may_ask(const struct control *c, int fd, const struct control_peer *peer)
{
    return peer->uid == 0 || peer->uid == c->own_uid ||
           (c->options.has_group && control_peer_in_group(fd, peer, c->options.group));
}

/* One line a minute at most; it counts those before it. */
static void log_refusal(struct control *c, const struct control_peer *peer)
{
    char text[200], more[60] = "";
    int64_t now = now_ns(c);

    c->refused++;
    if (now < c->log_due_ns)
        return;
    if (c->refused > 1)
        (void)snprintf(more, sizeof more, ", and %" PRId64 " more since the last such line",
                       c->refused - 1);
    (void)snprintf(text, sizeof text,
                   "refused a request at the control socket by uid %lld, pid %lld%s",
                   (long long)peer->uid, (long long)peer->pid, more);
    c->options.calls.log(c->options.calls.self, text);
    c->refused = 0;
    c->log_due_ns = now + log_every_ns;
}

static void refuse(struct control *c, int fd, const struct control_peer *peer)
{
    struct control_connection once = { 0 };

    log_refusal(c, peer);
    c->rest_until_ns = now_ns(c) + rest_ns;
    connection_begin(&once, fd, peer, 0, 0);
    answer(c, &once, false,
           c->options.has_group
               ? "permission denied: ask root, the recorder's user, or a member of its control "
                 "group"
               : "permission denied: ask root or the recorder's user (procscoped --control-group "
                 "GROUP lets others in)");
    connection_end(&once);
}

/* A place for the next: a free one, or that of who has had the longest to say what it wants. */
static struct control_connection *find_place(struct control *c)
{
    struct control_connection *oldest = NULL;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct control_connection *at = &c->connections[i];

        if (at->state == CONNECTION_NONE)
            return at;
        if ((at->state == CONNECTION_ASKING ||
             (at->state == CONNECTION_ANSWERING && at->then == CONNECTION_NONE)) &&
            (oldest == NULL || at->since_ns < oldest->since_ns))
            oldest = at;
    }
    if (oldest != NULL)
        connection_end(oldest);
    return oldest;
}

static void let_in(struct control *c)
{
    struct control_connection busy = { 0 }, *place;
    struct control_peer peer;
    struct error err;
    int64_t now = now_ns(c);
    int fd = control_socket_accept(c->fd);

    if (fd < 0) {
        /* No descriptor is left, or it hung up: not at once again. */
        c->rest_until_ns = errno == EAGAIN || errno == EWOULDBLOCK ? 0 : now + rest_ns;
        return;
    }
    if (control_peer_of(fd, &peer, &err) != STATUS_OK) {
        close(fd);
        return;
    }
    if (!may_ask(c, fd, &peer)) {
        refuse(c, fd, &peer);
        return;
    }
    place = find_place(c);
    connection_begin(place == NULL ? &busy : place, fd, &peer, now, now + c->options.ask_ns);
    if (place == NULL)
        answer(c, &busy, false, "busy: too many are waiting for an answer; try again");
    connection_end(&busy);
}

/* --- the thread --- */

static void attend(struct control *c, const struct pollfd polled[],
                   struct control_connection *const of[], nfds_t count)
{
    char drained[64];

    while (read(c->wake[0], drained, sizeof drained) > 0)
        continue;
    for (nfds_t i = 2; i < count; i++) {
        if (polled[i].revents == 0)
            continue;
        if ((polled[i].revents & POLLOUT) != 0 && of[i]->state == CONNECTION_ANSWERING)
            connection_write(of[i]);
        else
            hear(c, of[i]);
    }
    answer_flushes(c);
    expire_all(c);
    /* Last: who comes may take the place of one that was just heard. */
    if ((polled[1].revents & POLLIN) != 0)
        let_in(c);
    if (c->watched && count_viewers(c) == 0) {
        c->watched = false;
        c->options.calls.unwatch(c->options.calls.self);
    }
}

static void *serve(void *self)
{
    struct control *c = self;

    urgency_give_up();
    while (!atomic_load(&c->stop)) {
        struct pollfd polled[POLLED_MAX] = { { .fd = c->wake[0], .events = POLLIN } };
        struct control_connection *of[POLLED_MAX] = { NULL };
        nfds_t count = 2;

        if (c->rest_until_ns <= now_ns(c))
            c->rest_until_ns = 0;
        polled[1] = (struct pollfd){ .fd = c->rest_until_ns == 0 ? c->fd : -1, .events = POLLIN };
        for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
            struct control_connection *at = &c->connections[i];

            if (at->state == CONNECTION_NONE)
                continue;
            of[count] = at;
            polled[count++] =
                (struct pollfd){ .fd = at->fd,
                                 .events = at->state == CONNECTION_ANSWERING ? POLLOUT : POLLIN };
        }
        if (poll(polled, count, patience_ms(c)) >= 0)
            attend(c, polled, of, count);
    }
    return NULL;
}

/* --- open and close --- */

static enum status open_all(struct control *c, struct error *err)
{
    c->path = strdup(c->options.path);
    if (c->path == NULL)
        return error_set(err, STATUS_NO_MEMORY, "control socket");
    if (pipe(c->wake) != 0) {
        c->wake[0] = c->wake[1] = -1;
        return error_set(err, STATUS_IO, "control socket: pipe: %s", strerror(errno));
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(c->wake[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(c->wake[i], F_SETFL, O_NONBLOCK);
    }
    return control_socket_open(&c->fd, c->path, err);
}

enum status control_open(struct control **control, const struct control_options *options,
                         struct error *err)
{
    struct control *c = *control = calloc(1, sizeof *c);

    if (c == NULL)
        return error_set(err, STATUS_NO_MEMORY, "control socket");
    c->options = *options;
    c->own_uid = geteuid();
    c->fd = c->wake[0] = c->wake[1] = -1;
    (void)pthread_mutex_init(&c->lock, NULL);
    if (open_all(c, err) == STATUS_OK)
        return STATUS_OK;
    control_close(c, false, "");
    *control = NULL;
    return err->status;
}

enum status control_start(struct control *control, struct error *err)
{
    int failed = pthread_create(&control->thread, NULL, serve, control);

    control->started = failed == 0;
    return failed == 0 ? STATUS_OK
                       : error_set(err, STATUS_IO, "start a thread: %s", strerror(failed));
}

void control_stop(struct control *control)
{
    if (control == NULL || control->fd < 0)
        return;
    atomic_store(&control->stop, true);
    wake(control);
    if (control->started)
        (void)pthread_join(control->thread, NULL);
    close(control->fd);
    control->fd = -1;
    control_socket_remove(control->path);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct control_connection *at = &control->connections[i];

        if (at->state == CONNECTION_FLUSHING)
            answer(control, at, false, "the recorder is stopping, which writes everything");
        if (at->state != CONNECTION_STOPPING)
            connection_end(at);
    }
    if (control->watched)
        control->options.calls.unwatch(control->options.calls.self);
    control->watched = false;
}

void control_close(struct control *control, bool ok, const char *message)
{
    if (control == NULL)
        return;
    control_stop(control);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct control_connection *at = &control->connections[i];

        if (at->state == CONNECTION_STOPPING)
            answer(control, at, ok, message);
        connection_end(at);
    }
    for (int i = 0; i < 2; i++) {
        if (control->wake[i] >= 0)
            close(control->wake[i]);
    }
    pthread_mutex_destroy(&control->lock);
    free(control->path);
    free(control);
}
