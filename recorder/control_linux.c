/*
 * Sockets as Linux has them.
 *
 *   source  unix(7): SO_PEERCRED, SO_PEERGROUPS (Linux 4.13)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/control_socket.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

enum { EVERYBODY = 0666, GROUPS_MAX = 65536 };

int control_socket_new(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int control_socket_accept(int fd)
{
    return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* What is opened is the file itself: a link that is put in its place meanwhile is not followed. */
bool control_socket_publish(const char *path)
{
    char opened[40];
    struct stat info;
    bool done;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return false;
    (void)snprintf(opened, sizeof opened, "/proc/self/fd/%d", fd);
    errno = EPERM;
    done = fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) && chmod(opened, EVERYBODY) == 0;
    close(fd);
    return done;
}

enum status control_peer_of(int fd, struct control_peer *peer, struct error *err)
{
    struct ucred credentials = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
    socklen_t size = sizeof credentials;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return error_set(err, STATUS_IO, "SO_PEERCRED: %s", strerror(errno));
    *peer = (struct control_peer){ .uid = credentials.uid,
                                   .gid = credentials.gid,
                                   .pid = credentials.pid };
    return STATUS_OK;
}

bool control_peer_in_group(int fd, const struct control_peer *peer, gid_t group)
{
    socklen_t size = GROUPS_MAX * sizeof(gid_t);
    gid_t *groups;
    bool found = peer->gid == group;

    if (found)
        return true;
    groups = malloc(size);
    if (groups != NULL && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
        for (size_t i = 0; i < size / sizeof *groups; i++)
            found = found || groups[i] == group;
    free(groups);
    return found;
}
