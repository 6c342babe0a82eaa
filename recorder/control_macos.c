/*
 * Sockets as Darwin has them: no flags at socket and accept, so that each is set afterwards.
 *
 *   source  unix(4): LOCAL_PEERTOKEN, LOCAL_PEERPID, LOCAL_PEERCRED; getpeereid(3)
 *
 * Who may ask is decided by the user that connected, which getpeereid tells. The token is of the
 * process that has the other end now: it tells the pid, for the log, if it is that user's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/ucred.h>
#include <sys/un.h>
#include <unistd.h>

#include <mach/mach.h>

#include "recorder/control_socket.h"

enum { EVERYBODY = 0666, TOKEN_EUID = 1, TOKEN_PID = 5 };

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

/* 0: not known. Before macOS 11 there is no token. */
static pid_t pid_of(int fd, uid_t uid)
{
    audit_token_t token;
    socklen_t size = sizeof token;
    pid_t pid = 0;

    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERTOKEN, &token, &size) == 0 && size == sizeof token)
        return token.val[TOKEN_EUID] == uid ? (pid_t)token.val[TOKEN_PID] : 0;
    size = sizeof pid;
    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &size) != 0 || size != sizeof pid)
        return 0;
    return pid;
}

enum status control_peer_of(int fd, struct control_peer *peer, struct error *err)
{
    *peer = (struct control_peer){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
    if (getpeereid(fd, &peer->uid, &peer->gid) != 0)
        return error_set(err, STATUS_IO, "getpeereid: %s", strerror(errno));
    peer->pid = pid_of(fd, peer->uid);
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
