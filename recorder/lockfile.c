/* The lock is the kernel's (flock), so it goes with its process; the text in it is for people. */
#include "recorder/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ATTEMPTS = 10, LOCK_MODE = 0640, NS_PER_SECOND = 1000000000 };

/* Two names of one recording share a lock: the path is that of the file itself. */
static enum status lock_path(char *path, size_t size, const char *recording, struct error *err)
{
    char *real = realpath(recording, NULL);
    int length = snprintf(path, size, "%s.lock", real != NULL ? real : recording);

    free(real);
    if (length < 0 || (size_t)length >= size)
        return error_set(err, STATUS_INVALID, "%.200s...: the path is too long", recording);
    return STATUS_OK;
}

/* Whether `path` still names the file behind `fd`: its holder may have removed it meanwhile. */
static bool is_current(int fd, const char *path)
{
    struct stat ours;
    struct stat named;

    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

static enum status describe_holder(int fd, const char *recording, struct error *err)
{
    char text[100];
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    long pid = 0;
    char since[40] = "";

    text[size > 0 ? size : 0] = '\0';
    if (sscanf(text, "%ld %39s", &pid, since) != 2)
        return error_set(err, STATUS_IO, "%s is being recorded by another procscoped", recording);
    return error_set(err, STATUS_IO, "%s is being recorded by pid %ld since %s", recording, pid,
                     since);
}

static void write_holder(int fd, int64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
    struct tm utc;
    char since[40] = "-";
    char text[100];
    int size;

    if (gmtime_r(&seconds, &utc) != NULL)
        (void)strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &utc);
    size = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), since);
    /* The lock holds without it: a full disk must not keep us from starting. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size)
        return;
}

enum status lockfile_acquire(struct lockfile *lock, const char *recording, int64_t wall_ns,
                             struct error *err)
{
    char path[PATH_MAX];
    enum status st = lock_path(path, sizeof path, recording, err);

    *lock = (struct lockfile){ 0 };
    for (int i = 0; st == STATUS_OK && i < ATTEMPTS; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);

        if (fd < 0)
            return error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            st = errno == EWOULDBLOCK ? describe_holder(fd, recording, err)
                                      : error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
            close(fd);
            return st;
        }
        if (is_current(fd, path)) {
            write_holder(fd, wall_ns);
            lock->fd = fd;
            memcpy(lock->path, path, sizeof path);
            return STATUS_OK;
        }
        close(fd);
    }
    return st != STATUS_OK ? st : error_set(err, STATUS_IO, "%s: cannot be locked", path);
}

void lockfile_release(struct lockfile *lock)
{
    if (lock->path[0] == '\0')
        return;
    if (is_current(lock->fd, lock->path)) /* else it is another recorder's */
        (void)unlink(lock->path);
    close(lock->fd);
    *lock = (struct lockfile){ 0 };
}
