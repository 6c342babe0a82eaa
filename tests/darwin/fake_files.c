/*
 * Open descriptors. A list that does not fit is cut without a word; without memory to fill it is how
 * much its table has room for, which is more than is open. A process without any answers 0, and
 * leaves errno alone: as a failure does, which sets it.
 */
#include "tests/darwin/fake_kernel.h"

#include <errno.h>
#include <libproc.h>
#include <string.h>

enum { TABLE_STEP = 25, SLOP = 20 };

static int fail(int code)
{
    errno = code;
    return 0;
}

/* The table of descriptors grows in steps, by the highest number. */
static size_t table_room(const struct fake_process *p)
{
    int32_t highest = 0;

    for (size_t i = 0; i < p->file_count; i++)
        if (p->files[i].fd > highest)
            highest = p->files[i].fd;
    return ((size_t)highest / TABLE_STEP + 1) * TABLE_STEP;
}

int fake_list_files(const struct fake_process *p, void *buffer, int size)
{
    size_t room = (size_t)size / sizeof(struct proc_fdinfo), count = 0;
    struct proc_fdinfo *to = buffer;

    if (buffer == NULL)
        return (int)((table_room(p) + SLOP) * sizeof *to);
    if (room > table_room(p))
        room = table_room(p);
    for (size_t i = 0; i < p->file_count && count < room; i++)
        if (p->files[i].port == 0 && span_has(&p->files[i].there, fake_now_ns()))
            to[count++] = (struct proc_fdinfo){ p->files[i].fd, (uint32_t)p->files[i].type };
    return (int)(count * sizeof *to);
}

int fake_list_file_ports(const struct fake_process *p, void *buffer, int size)
{
    size_t room = (size_t)size / sizeof(struct proc_fileportinfo), count = 0;
    struct proc_fileportinfo *to = buffer;

    for (size_t i = 0; i < p->file_count && count < room; i++)
        if (p->files[i].port != 0 && span_has(&p->files[i].there, fake_now_ns()))
            to[count++] =
                (struct proc_fileportinfo){ p->files[i].port, (uint32_t)p->files[i].type };
    return (int)(count * sizeof *to);
}

static uint32_t bytes_of(const struct curve *curve)
{
    return (uint32_t)curve_at(curve, 0, fake_awake_at(fake_now_ns()));
}

static void fill_socket(const struct fake_file *file, struct socket_fdinfo *info)
{
    memset(info, 0, sizeof *info);
    info->psi.soi_so = file->socket;
    info->psi.soi_protocol = file->protocol;
    info->psi.soi_family = file->family;
    info->psi.soi_kind = file->kind;
    info->psi.soi_rcv.sbi_cc = bytes_of(&file->receive);
    info->psi.soi_snd.sbi_cc = bytes_of(&file->send);
    if (file->protocol == 6)
        info->psi.soi_proto.pri_tcp.tcpsi_state = (int32_t)bytes_of(&file->state);
}

/* The question is the same about a descriptor (callnum 3) and about a file port (6). */
static int ask(int pid, int fd, uint32_t port, int flavor, void *buffer, int buffersize)
{
    const struct fake_process *p = fake_find(pid);
    const struct fake_file *file = NULL;

    fake_count(CALL_PIDFDINFO);
    if (flavor != PROC_PIDFDSOCKETINFO)
        return fail(EINVAL);
    if (buffersize < (int)sizeof(struct socket_fdinfo))
        return fail(ENOMEM);
    if (p == NULL || fake_is_zombie(p, fake_now_ns()))
        return fail(ESRCH);
    if (!fake_may_read(p))
        return fail(EPERM);
    for (size_t i = 0; i < p->file_count; i++)
        if (p->files[i].fd == fd && p->files[i].port == port &&
            span_has(&p->files[i].there, fake_now_ns()))
            file = &p->files[i];
    if (file == NULL || span_has(&fake->files_race, fake_now_ns()))
        return fail(EBADF);
    if (file->type != PROX_FDTYPE_SOCKET)
        return fail(ENOTSOCK);
    fill_socket(file, buffer);
    return (int)sizeof(struct socket_fdinfo);
}

int proc_pidfdinfo(int pid, int fd, int flavor, void *buffer, int buffersize)
{
    return ask(pid, fd, 0, flavor, buffer, buffersize);
}

/* A file port of a scenario has the number 0 as a descriptor. */
int proc_pidfileportinfo(int pid, uint32_t fileport, int flavor, void *buffer, int buffersize)
{
    return ask(pid, 0, fileport, flavor, buffer, buffersize);
}
