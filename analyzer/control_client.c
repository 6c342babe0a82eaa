/* Whoever listens at the socket may be anyone: all that comes is bounded and checked. */
#include "analyzer/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "schema/control_address.h"

/* --- connecting --- */

/* Whether a recorder holds FILE.lock, and what it wrote there: "PID SINCE". */
static bool is_locked(const char *recording, long *pid, char since[40])
{
    char path[PATH_MAX + 8], text[100];
    char *real = realpath(recording, NULL);
    bool locked;
    ssize_t size;
    int fd;

    (void)snprintf(path, sizeof path, "%s.lock", real != NULL ? real : recording);
    free(real);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    locked = flock(fd, LOCK_SH | LOCK_NB) != 0;
    size = pread(fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    if (sscanf(text, "%ld %39s", pid, since) != 2)
        *pid = 0;
    close(fd);
    return locked;
}

static enum status nobody(const struct control_client *c, struct error *err)
{
    long pid = 0;
    char since[40] = "";

    if (c->recording[0] == '\0')
        return error_set(err, STATUS_ABSENT, "no recorder listens at %s", c->path);
    if (!is_locked(c->recording, &pid, since))
        return error_set(err, STATUS_ABSENT,
                         "no recorder is recording to %s (nobody listens at %s)", c->recording,
                         c->path);
    return error_set(err, STATUS_ABSENT,
                     "%s is being recorded by pid %ld since %s, but nobody listens at %s: it is "
                     "starting or stopping, or was started with --control: give the same here",
                     c->recording, pid, since, c->path);
}

static enum status cannot_connect(const struct control_client *c, struct error *err)
{
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTSOCK)
        return nobody(c, err);
    if (errno == EACCES || errno == EPERM)
        return error_set(err, STATUS_IO,
                         "%s: permission denied: ask root, the recorder's user, or a member of its "
                         "control group",
                         c->path);
    return error_set(err, STATUS_IO, "%s: %s", c->path, strerror(errno));
}

static enum status find_socket(struct control_client *c, const struct options *options,
                               const char *path, struct error *err)
{
    char *found = NULL;

    if (path != NULL) {
        if ((size_t)snprintf(c->path, sizeof c->path, "%s", path) >= sizeof c->path)
            return error_set(err, STATUS_INVALID, "--control: the path is too long");
        return STATUS_OK;
    }
    if (options->file == NULL && options_default_file(&found, err) != STATUS_OK)
        return err->status;
    (void)snprintf(c->recording, sizeof c->recording, "%s",
                   options->file != NULL ? options->file : found);
    free(found);
    return control_address_path(c->path, sizeof c->path, c->recording, err);
}

enum status control_client_open(struct control_client *client, const struct options *options,
                                const char *path, struct error *err)
{
    struct control_address address;
    enum status st;

    *client = (struct control_client){ .connected = false };
    if (find_socket(client, options, path, err) != STATUS_OK)
        return err->status;
    st = control_address_open(&address, client->path, err);
    if (st != STATUS_OK)
        return st;
    (void)signal(SIGPIPE, SIG_IGN); /* one that hangs up on us has a reason, and says it */
    client->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (client->fd < 0) {
        st = error_set(err, STATUS_IO, "socket: %s", strerror(errno));
    } else {
        client->connected = true;
        (void)fcntl(client->fd, F_SETFD, FD_CLOEXEC);
        if (connect(client->fd, (const struct sockaddr *)&address.to, address.size) != 0)
            st = cannot_connect(client, err);
    }
    control_address_close(&address);
    return st;
}

void control_client_close(struct control_client *client)
{
    if (client->connected)
        close(client->fd);
    if (client->passed)
        close(client->passed_fd);
    free(client->body);
    *client = (struct control_client){ .connected = false };
}

/* --- asking --- */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A descriptor that came with the bytes; the last one counts, and none stays open unseen. */
static void take_passed(struct control_client *c, struct msghdr *message)
{
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL;
         head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
            head->cmsg_len < CMSG_LEN(sizeof(int)))
            continue;
        if (c->passed)
            close(c->passed_fd);
        memcpy(&c->passed_fd, CMSG_DATA(head), sizeof c->passed_fd);
        c->passed = true;
        (void)fcntl(c->passed_fd, F_SETFD, FD_CLOEXEC);
    }
}

/* Some more bytes; *got 0: the other side has hung up. */
static enum status receive(struct control_client *c, void *to, size_t room, int64_t until_ms,
                           size_t *got, struct error *err)
{
    struct pollfd readable = { .fd = c->fd, .events = POLLIN };
    struct iovec bytes = { .iov_base = to, .iov_len = room };
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = { .msg_iov = &bytes,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control.room };
    int64_t left_ms = until_ms - now_ms();
    int ready = poll(&readable, 1, left_ms < 0 ? 0 : (int)left_ms);
    ssize_t size;

    *got = 0;
    if (ready == 0)
        return error_set(err, STATUS_IO, "%s: the recorder did not answer in time", c->path);
    size = ready < 0 ? -1 : recvmsg(c->fd, &message, 0);
    if (size < 0 && errno == EINTR)
        return error_set(err, STATUS_IO, "interrupted");
    if (size < 0 && errno != ECONNRESET)
        return error_set(err, STATUS_IO, "%s: %s", c->path, strerror(errno));
    if (size > 0) {
        take_passed(c, &message);
        *got = (size_t)size;
    }
    return STATUS_OK;
}

static enum status ended(const struct control_client *c, struct error *err)
{
    return error_set(err, STATUS_IO, "%s: the recorder ended before it had answered", c->path);
}

/* The first line, and what of the body came with it, into data[]. */
static enum status receive_head(struct control_client *c, char data[CONTROL_HEAD_MAX], size_t *used,
                                struct control_reply *reply, int64_t until_ms, struct error *err)
{
    enum status st = STATUS_ABSENT;

    for (*used = 0; st == STATUS_ABSENT;) {
        size_t got;

        if (receive(c, data + *used, CONTROL_HEAD_MAX - *used, until_ms, &got, err) != STATUS_OK)
            return err->status;
        if (got == 0)
            return ended(c, err);
        *used += got;
        st = control_reply_parse(reply, data, *used, err);
    }
    return st == STATUS_OK ? st : error_prefix(err, "%s", c->path);
}

static enum status receive_reply(struct control_client *c, int64_t until_ms, bool *ok,
                                 struct error *err)
{
    char head[CONTROL_HEAD_MAX];
    struct control_reply reply = { .ok = false };
    size_t used = 0, got;

    if (receive_head(c, head, &used, &reply, until_ms, err) != STATUS_OK)
        return err->status;
    free(c->body);
    c->body = malloc(reply.body_size + 1);
    if (c->body == NULL)
        return error_set(err, STATUS_NO_MEMORY, "reply");
    used -= reply.head_size;
    if (used > reply.body_size)
        used = reply.body_size;
    memcpy(c->body, head + reply.head_size, used);
    while (used < reply.body_size) {
        if (receive(c, c->body + used, reply.body_size - used, until_ms, &got, err) != STATUS_OK)
            return err->status;
        if (got == 0)
            return ended(c, err);
        used += got;
    }
    c->body_size = used;
    c->body[used] = '\0';
    *ok = reply.ok;
    return STATUS_OK;
}

enum status control_client_ask(struct control_client *client, const struct control_request *request,
                               int timeout_ms, struct error *err)
{
    char line[CONTROL_REQUEST_MAX];
    size_t size;
    bool ok = false;

    if (control_request_put(line, &size, request, err) != STATUS_OK)
        return err->status;
    /* A line fits any socket's buffer; one who has hung up may have said why before. */
    if (send(client->fd, line, size, 0) != (ssize_t)size && errno != EPIPE && errno != ECONNRESET)
        return error_set(err, STATUS_IO, "%s: %s", client->path, strerror(errno));
    if (receive_reply(client, now_ms() + timeout_ms, &ok, err) != STATUS_OK)
        return err->status;
    return ok ? STATUS_OK : error_set(err, STATUS_IO, "%.400s", client->body);
}
