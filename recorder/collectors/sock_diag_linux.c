/*
 * Source: linux/sock_diag.h, inet_diag.h, unix_diag.h. Requests are struct inet_diag_req_v2 and
 * unix_diag_req with NLM_F_DUMP; answers are struct inet_diag_msg and unix_diag_msg, in host order
 * but for ports. No attribute is asked for.
 */
#include "recorder/collectors/sock_diag_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    ANSWER_SIZE = 64 * 1024, /* the kernel fills 32 KiB at a time at most */
    ANSWERS_MAX = 1 << 20,   /* more than a dump can have: it never ends */
    WAIT_S = 1,
    HEADER = NLMSG_HDRLEN,
};

/* Those in TIME_WAIT (6) and SYN_RECV (3, 12) belong to no process and have no inode. */
static const uint32_t tcp_states = 0xfff & ~(1u << 3 | 1u << 6);

static const struct {
    const char *name;
    uint8_t family, protocol;
} dumps[SOCKET_DUMP_COUNT] = {
    [SOCKETS_TCP4] = { "tcp4", AF_INET, IPPROTO_TCP },
    [SOCKETS_TCP6] = { "tcp6", AF_INET6, IPPROTO_TCP },
    [SOCKETS_UDP4] = { "udp4", AF_INET, IPPROTO_UDP },
    [SOCKETS_UDP6] = { "udp6", AF_INET6, IPPROTO_UDP },
    [SOCKETS_UNIX] = { "unix", AF_UNIX, 0 },
};

const char *sock_diag_name(enum socket_dump dump)
{
    return dumps[dump].name;
}

/* --- the answer --- */

static void take_inet(enum socket_dump dump, const uint8_t *data, size_t size, socket_visit *visit,
                      void *self)
{
    struct inet_diag_msg message;
    struct socket_found found = { .dump = (uint8_t)dump };

    if (size < sizeof message)
        return;
    memcpy(&message, data, sizeof message);
    if (message.idiag_inode == 0 || message.idiag_family != dumps[dump].family)
        return;
    found.inode = message.idiag_inode;
    found.state = message.idiag_state;
    found.receive_bytes = message.idiag_rqueue;
    found.send_bytes = message.idiag_wqueue;
    visit(self, &found);
}

static void take_unix(const uint8_t *data, size_t size, socket_visit *visit, void *self)
{
    struct unix_diag_msg message;
    struct socket_found found = { .dump = SOCKETS_UNIX };

    if (size < sizeof message)
        return;
    memcpy(&message, data, sizeof message);
    if (message.udiag_ino == 0 || message.udiag_family != AF_UNIX)
        return;
    found.inode = message.udiag_ino;
    found.state = message.udiag_state;
    visit(self, &found);
}

static enum status refusal(enum socket_dump dump, const uint8_t *data, size_t size,
                           struct error *err)
{
    int32_t code = 0;

    if (size < sizeof code)
        return error_set(err, STATUS_CORRUPT, "%s: an error without a number", dumps[dump].name);
    memcpy(&code, data, sizeof code);
    if (code == 0)
        return STATUS_OK;
    /* The modules that list sockets are not there, or not for this protocol. */
    if (code == -ENOENT || code == -EOPNOTSUPP || code == -EPROTONOSUPPORT || code == -EAFNOSUPPORT)
        return error_set(err, STATUS_ABSENT, "the kernel lists no %s sockets", dumps[dump].name);
    return error_set(err, STATUS_IO, "list %s sockets: %s", dumps[dump].name,
                     code < 0 && code > -4096 ? strerror(-code) : "an error without a name");
}

enum status sock_diag_parse(const void *answer, size_t size, enum socket_dump dump,
                            uint32_t sequence, socket_visit *visit, void *self, bool *done,
                            struct error *err)
{
    const uint8_t *at = answer;
    size_t left = size;

    *done = false;
    while (left >= HEADER && !*done) {
        struct nlmsghdr header;
        size_t whole, padded;

        memcpy(&header, at, sizeof header);
        whole = header.nlmsg_len;
        if (whole < HEADER || whole > left)
            return error_set(err, STATUS_CORRUPT, "%s: a message of %zu bytes in %zu",
                             dumps[dump].name, whole, left);
        if (sequence == 0 || header.nlmsg_seq == sequence) {
            if (header.nlmsg_type == NLMSG_ERROR &&
                refusal(dump, at + HEADER, whole - HEADER, err) != STATUS_OK)
                return err->status;
            *done = header.nlmsg_type == NLMSG_DONE;
            if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY && dump == SOCKETS_UNIX)
                take_unix(at + HEADER, whole - HEADER, visit, self);
            else if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY)
                take_inet(dump, at + HEADER, whole - HEADER, visit, self);
        }
        padded = (whole + 3) & ~(size_t)3;
        at += padded < left ? padded : left;
        left -= padded < left ? padded : left;
    }
    if (left > 0 && !*done)
        return error_set(err, STATUS_CORRUPT, "%s: %zu bytes after the last message",
                         dumps[dump].name, left);
    return STATUS_OK;
}

/* --- the socket --- */

static int open_socket(void)
{
    const struct timeval wait = { .tv_sec = WAIT_S };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return fd;
}

enum status sock_diag_open(struct sock_diag *diag, const char *root, struct error *err)
{
    enum status st = STATUS_OK;

    *diag = (struct sock_diag){ .fd = -1 };
    diag->answer = malloc(ANSWER_SIZE);
    if (*root != '\0')
        diag->root = strdup(root);
    if (diag->answer == NULL || (*root != '\0' && diag->root == NULL))
        st = error_set(err, STATUS_NO_MEMORY, "answers about sockets");
    if (st == STATUS_OK && *root == '\0') {
        diag->fd = open_socket();
        if (diag->fd < 0)
            st = error_set(err, STATUS_IO, "no netlink socket to list sockets by: %s",
                           strerror(errno));
    }
    if (st != STATUS_OK)
        sock_diag_close(diag);
    return st;
}

void sock_diag_close(struct sock_diag *diag)
{
    if (diag->answer != NULL && diag->fd >= 0)
        close(diag->fd);
    free(diag->answer);
    free(diag->root);
    *diag = (struct sock_diag){ 0 };
}

static bool send_request(const struct sock_diag *diag, enum socket_dump dump)
{
    struct {
        struct nlmsghdr header;
        union {
            struct inet_diag_req_v2 inet;
            struct unix_diag_req local;
        } body;
    } request = { .header = { .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                              .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                              .nlmsg_seq = diag->sequence } };
    size_t size = dump == SOCKETS_UNIX ? sizeof request.body.local : sizeof request.body.inet;

    if (dump == SOCKETS_UNIX) {
        request.body.local.sdiag_family = AF_UNIX;
        request.body.local.udiag_states = UINT32_MAX;
    } else {
        request.body.inet.sdiag_family = dumps[dump].family;
        request.body.inet.sdiag_protocol = dumps[dump].protocol;
        request.body.inet.idiag_states =
            dumps[dump].protocol == IPPROTO_TCP ? tcp_states : UINT32_MAX;
    }
    request.header.nlmsg_len = (uint32_t)(HEADER + size);
    return send(diag->fd, &request, HEADER + size, 0) == (ssize_t)(HEADER + size);
}

/* A fixture's answer is one file. */
static ssize_t read_captured(struct sock_diag *diag, enum socket_dump dump)
{
    char path[4096];
    ssize_t got;
    int fd;

    if ((size_t)snprintf(path, sizeof path, "%s/sock_diag/%s", diag->root, dumps[dump].name) >=
        sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    got = read(fd, diag->answer, ANSWER_SIZE);
    close(fd);
    return got;
}

static enum status dump_captured(struct sock_diag *diag, enum socket_dump dump, socket_visit *visit,
                                 void *self, struct error *err)
{
    ssize_t got = read_captured(diag, dump);
    bool done = false;

    if (got < 0)
        return error_set(err, errno == ENOENT ? STATUS_ABSENT : STATUS_IO, "sock_diag/%s: %s",
                         dumps[dump].name, strerror(errno));
    if (sock_diag_parse(diag->answer, (size_t)got, dump, 0, visit, self, &done, err) != STATUS_OK)
        return err->status;
    return done ? STATUS_OK
                : error_set(err, STATUS_CORRUPT, "sock_diag/%s ends too early", dumps[dump].name);
}

enum status sock_diag_dump(struct sock_diag *diag, enum socket_dump dump, socket_visit *visit,
                           void *self, struct error *err)
{
    bool done = false;

    if (diag->root != NULL)
        return dump_captured(diag, dump, visit, self, err);
    diag->sequence += diag->sequence + 1 == 0 ? 2 : 1; /* 0 is any */
    if (!send_request(diag, dump))
        return error_set(err, STATUS_IO, "ask for %s sockets: %s", dumps[dump].name,
                         strerror(errno));
    for (int answers = 0; answers < ANSWERS_MAX; answers++) {
        ssize_t got = recv(diag->fd, diag->answer, ANSWER_SIZE, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, STATUS_IO, "list %s sockets: %s", dumps[dump].name,
                             got == 0 ? "no answer" : strerror(errno));
        if (sock_diag_parse(diag->answer, (size_t)got, dump, diag->sequence, visit, self, &done,
                            err) != STATUS_OK ||
            done)
            return done ? STATUS_OK : err->status;
    }
    return error_set(err, STATUS_IO, "the list of %s sockets does not end", dumps[dump].name);
}
