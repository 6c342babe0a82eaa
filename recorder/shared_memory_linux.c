/*
 * A sealed memfd. F_SEAL_FUTURE_WRITE (Linux 5.1) leaves our mapping the only one that may write;
 * older kernels do not know it, and there the descriptor that is handed over is open for reading only.
 *
 *   source  memfd_create(2), fcntl(2)
 */
#include "recorder/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW, READ_ONLY_MODE = 0400 };

static enum status failed(struct error *err, const char *what)
{
    return error_set(err, errno == ENOSYS ? STATUS_UNSUPPORTED : STATUS_IO, "shared memory: %s: %s",
                     what, strerror(errno));
}

static bool seal(int fd)
{
    return fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0 ||
           (errno == EINVAL && fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0);
}

static enum status share(struct shared_memory *memory, int fd, size_t size, struct error *err)
{
    char path[40];
    void *data;

    if (ftruncate(fd, (off_t)size) != 0 || fchmod(fd, READ_ONLY_MODE) != 0)
        return failed(err, "its size");
    data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return failed(err, "mmap");
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memory->fd = seal(fd) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (memory->fd < 0) {
        (void)failed(err, "seals");
        (void)munmap(data, size);
        return err->status;
    }
    memory->data = data;
    memory->size = size;
    return STATUS_OK;
}

enum status shared_memory_open(struct shared_memory *memory, size_t size, struct error *err)
{
    int fd = memfd_create("procscope-live", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    enum status st;

    *memory = (struct shared_memory){ .data = NULL };
    if (fd < 0)
        return failed(err, "memfd_create");
    st = share(memory, fd, size, err);
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
