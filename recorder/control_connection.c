/* Bytes of one connection. SIGPIPE is ignored by the program. */
#include "recorder/control_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void connection_begin(struct control_connection *c, int fd, const struct control_peer *peer,
                      int64_t now_ns, int64_t deadline_ns)
{
    *c = (struct control_connection){ .state = CONNECTION_ASKING,
                                      .fd = fd,
                                      .peer = *peer,
                                      .since_ns = now_ns,
                                      .deadline_ns = deadline_ns,
                                      .pass_fd = -1 };
}

void connection_end(struct control_connection *c)
{
    if (c->state == CONNECTION_NONE)
        return;
    close(c->fd);
    free(c->reply);
    *c = (struct control_connection){ .state = CONNECTION_NONE };
}

enum connection_news connection_read(struct control_connection *c, size_t *size)
{
    size_t room = sizeof c->request - c->request_size;
    const char *end;
    ssize_t got;

    if (room == 0)
        return CONNECTION_GONE; /* it has had its answer and talks on */
    got = recv(c->fd, c->request + c->request_size, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return CONNECTION_NOTHING;
    if (got <= 0)
        return CONNECTION_GONE;
    c->request_size += (size_t)got;
    if (c->state != CONNECTION_ASKING)
        return CONNECTION_NOTHING;
    end = memchr(c->request, '\n', c->request_size);
    if (end == NULL)
        return c->request_size == sizeof c->request ? CONNECTION_TOO_LONG : CONNECTION_NOTHING;
    *size = (size_t)(end - c->request);
    return CONNECTION_REQUEST;
}

void connection_answer(struct control_connection *c, bool ok, const char *body, size_t size,
                       int64_t deadline_ns)
{
    char head[CONTROL_HEAD_MAX];
    size_t head_size = control_reply_put(head, ok, size);

    free(c->reply);
    c->reply = malloc(head_size + size);
    if (c->reply == NULL) {
        connection_end(c);
        return;
    }
    memcpy(c->reply, head, head_size);
    memcpy(c->reply + head_size, body, size);
    c->reply_size = head_size + size;
    c->reply_at = 0;
    c->state = CONNECTION_ANSWERING;
    c->deadline_ns = deadline_ns;
    connection_write(c);
}

/* A descriptor rides on the first bytes. */
static ssize_t send_some(const struct control_connection *c)
{
    struct iovec bytes = { .iov_base = c->reply + c->reply_at,
                           .iov_len = c->reply_size - c->reply_at };
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .room = { 0 } };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };

    if (c->pass_fd >= 0 && c->reply_at == 0) {
        struct cmsghdr *head;

        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
        head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &c->pass_fd, sizeof(int));
    }
    return sendmsg(c->fd, &message, 0);
}

void connection_write(struct control_connection *c)
{
    while (c->reply_at < c->reply_size) {
        ssize_t sent = send_some(c);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (sent <= 0) {
            connection_end(c);
            return;
        }
        c->reply_at += (size_t)sent;
    }
    if (c->then == CONNECTION_NONE) {
        connection_end(c);
        return;
    }
    c->state = c->then;
    c->deadline_ns = INT64_MAX;
}
