/* What else libSystem has that Linux' C library has not, or answers for another host. */
#include "tests/darwin/fake_kernel.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <malloc/malloc.h>
#include <pthread.h>
#include <pthread/qos.h>

/* The recorder is one of the simulated processes. */
pid_t getpid(void)
{
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

/* The other end of a socket is a program of the real host. */
int getpeereid(int fd, uid_t *uid, gid_t *gid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return -1;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
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
