/*
 *   source  proc_pidinfo(PROC_PIDLISTFDS), proc_pidfdinfo(PROC_PIDFDSOCKETINFO)
 *   absent  of other users' processes, but for root
 *
 * Both answer 0 where they fail, and the first one also for a process without descriptors: which it
 * was tells errno.
 */
#include "recorder/collectors/process_files_macos.h"

#include <errno.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>

enum { FDS_LEAST = 256, GROWTH = 4, ATTEMPTS = 5 };

_Static_assert(sizeof(struct socket_fdinfo) == SOCKET_INFO_SIZE, "struct socket_fdinfo");
_Static_assert(offsetof(struct socket_fdinfo, psi.soi_so) == SOCKET_INFO_SOCKET_AT, "soi_so");
_Static_assert(offsetof(struct socket_fdinfo, psi.soi_protocol) == SOCKET_INFO_PROTOCOL_AT,
               "soi_protocol");
_Static_assert(offsetof(struct socket_fdinfo, psi.soi_rcv) == SOCKET_INFO_RECEIVE_AT, "soi_rcv");
_Static_assert(offsetof(struct socket_fdinfo, psi.soi_snd) == SOCKET_INFO_SEND_AT, "soi_snd");
_Static_assert(offsetof(struct socket_fdinfo, psi.soi_kind) == SOCKET_INFO_KIND_AT, "soi_kind");
_Static_assert(offsetof(struct socket_fdinfo, psi.soi_proto.pri_tcp.tcpsi_state) ==
                   SOCKET_INFO_TCP_STATE_AT,
               "tcpsi_state");

static enum files_answer failure(void)
{
    switch (errno) {
    case ESRCH:
        return FILES_GONE;
    case EPERM:
        return FILES_DENIED;
    default:
        return FILES_FAILED;
    }
}

static bool reserve_fds(struct process_files *files, size_t room)
{
    struct proc_fdinfo *larger;

    if (room <= files->fd_room)
        return true;
    larger = realloc(files->fds, room * sizeof *larger);
    if (larger == NULL)
        return false;
    files->fds = larger;
    files->fd_room = room;
    return true;
}

enum files_answer process_files_list(struct process_files *files, int32_t pid)
{
    files->fd_count = files->socket_count = 0;
    files->calls = 0;
    if (!reserve_fds(files, FDS_LEAST))
        return FILES_FAILED;
    for (int i = 0; i < ATTEMPTS; i++) {
        size_t bytes = files->fd_room * sizeof *files->fds;
        int got;

        errno = 0;
        files->calls++;
        got = proc_pidinfo(pid, PROC_PIDLISTFDS, 0, files->fds, (int)bytes);
        if (got < 0 || (got == 0 && errno != 0))
            return failure();
        files->fd_count = (size_t)got / sizeof *files->fds;
        if ((size_t)got + sizeof *files->fds <= bytes)
            return FILES_OK;
        if (files->fd_room > DETAIL_SCAN_FDS_MAX)
            return FILES_MANY;
        if (!reserve_fds(files, files->fd_room * GROWTH))
            return FILES_FAILED;
    }
    return FILES_MANY;
}

size_t process_files_socket_count(const struct process_files *files)
{
    size_t count = 0;

    for (size_t i = 0; i < files->fd_count; i++)
        count += files->fds[i].proc_fdtype == PROX_FDTYPE_SOCKET;
    return count;
}

static int by_socket(const void *a, const void *b)
{
    uint64_t x = ((const struct socket_answer *)a)->socket;
    uint64_t y = ((const struct socket_answer *)b)->socket;

    return (x > y) - (x < y);
}

/* Two descriptors of one socket are one socket; where its identity is not told each is one. */
static void drop_doubles(struct process_files *files)
{
    size_t kept = 0;

    if (files->socket_count > 1)
        qsort(files->sockets, files->socket_count, sizeof *files->sockets, by_socket);
    for (size_t i = 0; i < files->socket_count; i++)
        if (i == 0 || files->sockets[i].socket == 0 ||
            files->sockets[i].socket != files->sockets[kept - 1].socket)
            files->sockets[kept++] = files->sockets[i];
    files->socket_count = kept;
}

static bool reserve_sockets(struct process_files *files, size_t room)
{
    struct socket_answer *larger;

    if (room <= files->socket_room)
        return true;
    larger = realloc(files->sockets, room * sizeof *larger);
    if (larger == NULL)
        return false;
    files->sockets = larger;
    files->socket_room = room;
    return true;
}

/* Closed meanwhile, or its number is another kind's now. */
static bool is_closed(int code)
{
    return code == EBADF || code == ENOTSOCK;
}

enum files_answer process_files_ask(struct process_files *files, int32_t pid, size_t calls)
{
    size_t most = process_files_socket_count(files);

    files->socket_count = 0;
    if (most > calls)
        return FILES_MANY;
    if (!reserve_sockets(files, most))
        return FILES_FAILED;
    for (size_t i = 0; i < files->fd_count; i++) {
        struct socket_fdinfo info;
        struct error err;
        int got;

        if (files->fds[i].proc_fdtype != PROX_FDTYPE_SOCKET)
            continue;
        errno = 0;
        files->calls++;
        got = proc_pidfdinfo(pid, files->fds[i].proc_fd, PROC_PIDFDSOCKETINFO, &info,
                             (int)sizeof info);
        if (got <= 0 && is_closed(errno))
            continue;
        if (got <= 0)
            return failure();
        if (socket_info_parse(&files->sockets[files->socket_count], &info, (size_t)got, &err) !=
            STATUS_OK)
            return FILES_FAILED;
        files->socket_count++;
    }
    drop_doubles(files);
    return FILES_OK;
}

void process_files_release(struct process_files *files)
{
    free(files->fds);
    free(files->sockets);
    *files = (struct process_files){ .fds = NULL };
}
