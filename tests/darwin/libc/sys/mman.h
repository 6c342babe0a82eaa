#ifndef DARWIN_LIBC_SYS_MMAN_H
#define DARWIN_LIBC_SYS_MMAN_H

#include <sys/types.h>

#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_SHARED 1
#define MAP_FAILED ((void *)-1)

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int munmap(void *at, size_t size);
int shm_open(const char *name, int flags, ...);
int shm_unlink(const char *name);

#endif
