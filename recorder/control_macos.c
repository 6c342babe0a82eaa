/*
 * Sockets as Darwin has them: no flags at socket and accept, so that each is set afterwards.
 *
 *   source  unix(4): LOCAL_PEERPID, LOCAL_PEERCRED; getpeereid(3)
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/ucred.h>
#include <sys/un.h>
#include <unistd.h>

#include "recorder/control_socket.h"

enum { EVERYBODY = 0666 };

static int prepare(int fd)
{
    if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

int control_socket_new(void)
{
    return prepare(socket(AF_UNIX, SOCK_STREAM, 0));
}

int control_socket_accept(int fd)
{
    return prepare(accept(fd, NULL, NULL));
}

/* A link that is put in its place is not followed; what is not a socket is left alone. */
bool control_socket_publish(const char *path)
{
    struct stat info;

    if (lstat(path, &info) != 0)
        return false;
    errno = EPERM;
    return S_ISSOCK(info.st_mode) && fchmodat(AT_FDCWD, path, EVERYBODY, AT_SYMLINK_NOFOLLOW) == 0;
}

enum status control_peer_of(int fd, struct control_peer *peer, struct error *err)
{
    pid_t pid = 0;
    socklen_t size = sizeof pid;

    *peer = (struct control_peer){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
    if (getpeereid(fd, &peer->uid, &peer->gid) != 0)
        return error_set(err, STATUS_IO, "getpeereid: %s", strerror(errno));
    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &size) == 0 && size == sizeof pid)
        peer->pid = pid;
    return STATUS_OK;
}

/* The kernel tells sixteen groups at most: a member by more than that is refused. */
bool control_peer_in_group(int fd, const struct control_peer *peer, gid_t group)
{
    struct xucred credentials;
    socklen_t size = sizeof credentials;
    bool found = peer->gid == group;

    if (found)
        return true;
    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, &credentials, &size) != 0 ||
        size != sizeof credentials || credentials.cr_version != XUCRED_VERSION)
        return false;
    for (int i = 0; i < credentials.cr_ngroups && i < (int)COUNT_OF(credentials.cr_groups); i++)
        found = found || credentials.cr_groups[i] == group;
    return found;
}
