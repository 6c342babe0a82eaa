/*
 * POSIX shared memory, whose name is taken away as soon as it is open twice: once to write, once to
 * hand over, which is open for reading only.
 *
 *   source  shm_open(2): a name of 31 bytes at most; ftruncate works once, so nobody changes its
 *           size
 */
#include "recorder/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 31, OWNER_ONLY = 0600 };

static enum status failed(struct error *err, const char *what)
{
    return error_set(err, STATUS_IO, "shared memory: %s: %s", what, strerror(errno));
}

static enum status share(struct shared_memory *memory, int fd, const char *name, size_t size,
                         struct error *err)
{
    void *data;

    if (ftruncate(fd, (off_t)size) != 0)
        return failed(err, "its size");
    data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return failed(err, "mmap");
    memory->fd = shm_open(name, O_RDONLY, 0);
    if (memory->fd < 0) {
        (void)failed(err, "shm_open to read");
        (void)munmap(data, size);
        return err->status;
    }
    (void)fcntl(memory->fd, F_SETFD, FD_CLOEXEC);
    memory->data = data;
    memory->size = size;
    return STATUS_OK;
}

enum status shared_memory_open(struct shared_memory *memory, size_t size, struct error *err)
{
    char name[NAME_SIZE];
    enum status st;
    int fd;

    *memory = (struct shared_memory){ .data = NULL };
    (void)snprintf(name, sizeof name, "/procscope-live-%ld", (long)getpid());
    (void)shm_unlink(name); /* of a recorder that was killed and had our pid */
    fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, OWNER_ONLY);
    if (fd < 0)
        return failed(err, "shm_open");
    st = share(memory, fd, name, size, err);
    (void)shm_unlink(name);
    close(fd);
    return st;
}

void shared_memory_close(struct shared_memory *memory)
{
    if (memory->data == NULL)
        return;
    (void)munmap(memory->data, memory->size);
    close(memory->fd);
    *memory = (struct shared_memory){ .data = NULL };
}
