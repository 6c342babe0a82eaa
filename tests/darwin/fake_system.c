/* What else libSystem has that Linux' C library has not, or answers for another host. */
#include "tests/darwin/fake_kernel.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/ucred.h>
#include <sys/un.h>
#include <unistd.h>

#include <mach/mach.h>
#include <malloc/malloc.h>
#include <pthread.h>
#include <pthread/qos.h>

/* The recorder is one of the simulated processes. Before any machine is there libFuzzer asks. */
pid_t getpid(void)
{
    if (fake == NULL)
        return (pid_t)syscall(SYS_getpid);
    return (pid_t)fake->processes[fake->self].pid;
}

int getpwuid_r(uid_t uid, struct passwd *resultbuf, char *buffer, size_t buflen,
               struct passwd **result)
{
    *result = NULL;
    for (size_t i = 0; i < fake->user_count; i++) {
        if (fake->users[i].uid != uid)
            continue;
        (void)snprintf(buffer, buflen, "%s", fake->users[i].name);
        *resultbuf = (struct passwd){ .pw_name = buffer, .pw_uid = uid };
        *result = resultbuf;
    }
    return 0;
}

/* --- the other end of a local socket: a program of the real host, or who a test says it is --- */

static struct fake_peer peer;

void fake_set_peer(const struct fake_peer *to)
{
    peer = to == NULL ? (struct fake_peer){ .there = false } : *to;
}

int getpeereid(int fd, uid_t *uid, gid_t *gid)
{
    struct ucred real;
    socklen_t size = sizeof real;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &real, &size) != 0)
        return -1;
    *uid = peer.there ? peer.uid : real.uid;
    *gid = peer.there ? peer.gid : real.gid;
    return 0;
}

static int answer(const void *data, size_t size, void *value, socklen_t *value_size)
{
    if (*value_size < size) {
        errno = EINVAL;
        return -1;
    }
    memcpy(value, data, size);
    *value_size = (socklen_t)size;
    return 0;
}

static int local_option(int fd, int name, void *value, socklen_t *size)
{
    struct xucred credentials = { .cr_version = peer.odd_version, .cr_ngroups = 1 };
    audit_token_t token = { { 0, peer.token_uid, 0, 0, 0, (unsigned)peer.pid, 0, 1 } };

    (void)getpeereid(fd, &credentials.cr_uid, &credentials.cr_groups[0]);
    for (int i = 0; i < peer.group_count && credentials.cr_ngroups < 16; i++)
        credentials.cr_groups[credentials.cr_ngroups++] = peer.groups[i];
    if (name == LOCAL_PEERCRED)
        return answer(&credentials, sizeof credentials, value, size);
    if (name == LOCAL_PEERTOKEN && peer.there && !peer.no_token)
        return answer(&token, sizeof token, value, size);
    if (name == LOCAL_PEERPID && peer.there)
        return answer(&peer.pid, sizeof peer.pid, value, size);
    errno = ENOPROTOOPT;
    return -1;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    if (level == SOL_LOCAL)
        return local_option(fd, name, value, size);
    return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
}

int setiopolicy_np(int type, int scope, int policy)
{
    (void)type, (void)scope, (void)policy;
    return 0;
}

int pthread_set_qos_class_self_np(qos_class_t class_of_thread, int relative_priority)
{
    (void)class_of_thread, (void)relative_priority;
    return 0;
}

/* Waiting takes real time: simulated time stands still meanwhile. */
int pthread_cond_timedwait_relative_np(pthread_cond_t *condition, pthread_mutex_t *lock,
                                       const struct timespec *left)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += left->tv_sec + (until.tv_nsec + left->tv_nsec) / 1000000000;
    until.tv_nsec = (until.tv_nsec + left->tv_nsec) % 1000000000;
    return pthread_cond_timedwait(condition, lock, &until);
}

size_t malloc_zone_pressure_relief(malloc_zone_t *zone, size_t goal)
{
    (void)zone, (void)goal;
    return 0;
}
