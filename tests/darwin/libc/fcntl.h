#ifndef DARWIN_LIBC_FCNTL_H
#define DARWIN_LIBC_FCNTL_H

#include <sys/types.h>

#define O_RDONLY 0
#define O_RDWR 2
#define O_NONBLOCK 0x4
#define O_CREAT 0x200
#define O_EXCL 0x800
#define F_SETFD 2
#define F_SETFL 4
#define FD_CLOEXEC 1
#define AT_FDCWD (-2)
#define AT_SYMLINK_NOFOLLOW 0x20

int fcntl(int fd, int command, ...);

#endif
