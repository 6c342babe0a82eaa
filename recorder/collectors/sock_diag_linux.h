/*
 * The sockets of this network namespace as the kernel lists them: NETLINK_SOCK_DIAG, which needs no
 * privilege.
 *
 * The same protocol can end a socket (SOCK_DESTROY). The kernel asks for CAP_NET_ADMIN then, of whoever
 * sends; a filter of system calls cannot see what a message asks for. So where the recorder keeps that
 * capability, for the reports of exits, nothing but this file stands in the way: it sends requests for
 * dumps only, and nothing that comes from outside is part of them.
 */
#ifndef RECORDER_SOCK_DIAG_LINUX_H
#define RECORDER_SOCK_DIAG_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"

/* What is listed by one dump each. */
enum socket_dump {
    SOCKETS_TCP4,
    SOCKETS_TCP6,
    SOCKETS_UDP4,
    SOCKETS_UDP6,
    SOCKETS_UNIX,
    SOCKET_DUMP_COUNT,
};

enum { SOCKET_ESTABLISHED = 1, SOCKET_LISTENING = 10 }; /* of TCP: include/net/tcp_states.h */

struct socket_found {
    uint32_t inode; /* as in the link /proc/PID/fd/N; never 0 */
    uint8_t dump;   /* enum socket_dump */
    uint8_t state;  /* the kernel's number */
    uint32_t receive_bytes, send_bytes;
};

typedef void socket_visit(void *self, const struct socket_found *found);

/*
 * Parse one answer of the kernel: any number of netlink messages.
 *
 *   shape   sequence: of the request, messages of another are passed over; 0: of any
 *   errors  ABSENT (the kernel lists no such sockets), IO (it refuses), CORRUPT (messages that end too
 *           early); *done: the list is complete
 */
MUST_USE enum status sock_diag_parse(const void *answer, size_t size, enum socket_dump dump,
                                     uint32_t sequence, socket_visit *visit, void *self, bool *done,
                                     struct error *err);

/* Zeroed is closed. */
struct sock_diag {
    char *answer; /* NULL while closed */
    char *root;   /* of a fixture, else NULL */
    int fd;
    uint32_t sequence;
};

/*
 *   shape   `root` "" for the host; a fixture has the answers as captured in ROOT/sock_diag/tcp4, tcp6,
 *           udp4, udp6, unix
 *   errors  ABSENT, IO, NO_MEMORY
 *   owns    a descriptor and a buffer until sock_diag_close
 */
MUST_USE enum status sock_diag_open(struct sock_diag *diag, const char *root, struct error *err);
void sock_diag_close(struct sock_diag *diag);

/*
 * List all sockets of a kind that have an inode.
 *
 *   errors  those of sock_diag_parse; IO also when there is no answer for a second
 */
MUST_USE enum status sock_diag_dump(struct sock_diag *diag, enum socket_dump dump,
                                    socket_visit *visit, void *self, struct error *err);

/* "tcp4", … */
const char *sock_diag_name(enum socket_dump dump);

#endif
