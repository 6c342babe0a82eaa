/* The control socket's file, and who is at the other end: control_socket.c, control_SYSTEM.c. */
#ifndef RECORDER_CONTROL_SOCKET_H
#define RECORDER_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "schema/error.h"

/*
 * Bind and listen at a path; what a recorder that is gone has left there is replaced.
 *
 *   errors  INVALID: others could tamper with the path; IO: it is in use, or cannot be made
 *   owns    *fd, and the file, which control_socket_remove removes
 */
MUST_USE enum status control_socket_open(int *fd, const char *path, struct error *err);
void control_socket_remove(const char *path);

/* --- what each system does in its own way --- */

/* A new one, or -1 and errno; neither blocks nor is inherited by programs that are started. */
int control_socket_new(void);
/* The next connection, like that. */
int control_socket_accept(int fd);

/* Whoever is on this host may connect: each is asked who it is. false and errno */
bool control_socket_publish(const char *path);

struct control_peer {
    uid_t uid;
    gid_t gid;
    pid_t pid; /* 0: not known */
};
/* Who connected. errors IO */
MUST_USE enum status control_peer_of(int fd, struct control_peer *peer, struct error *err);
/* Whether it was in that group when it connected. */
bool control_peer_in_group(int fd, const struct control_peer *peer, gid_t group);

#endif
