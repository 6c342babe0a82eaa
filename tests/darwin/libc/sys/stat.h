#ifndef DARWIN_LIBC_SYS_STAT_H
#define DARWIN_LIBC_SYS_STAT_H

#include <sys/types.h>
#include <time.h>

struct stat {
    dev_t st_dev;
    mode_t st_mode;
    uint16_t st_nlink;
    ino_t st_ino;
    uid_t st_uid;
    gid_t st_gid;
    dev_t st_rdev;
    struct timespec st_atimespec, st_mtimespec, st_ctimespec, st_birthtimespec;
    off_t st_size;
    int64_t st_blocks;
    int32_t st_blksize;
};
#define S_IWGRP 020
#define S_IWOTH 02
#define S_ISVTX 01000
#define S_ISDIR(mode) (((mode)&0170000) == 0040000)
#define S_ISFIFO(mode) (((mode)&0170000) == 0010000)
#define S_ISLNK(mode) (((mode)&0170000) == 0120000)
#define S_ISREG(mode) (((mode)&0170000) == 0100000)
#define S_ISSOCK(mode) (((mode)&0170000) == 0140000)

int chmod(const char *path, mode_t mode);
int fchmod(int fd, mode_t mode);
int fchmodat(int directory, const char *path, mode_t mode, int flags);
int fstat(int fd, struct stat *info);
int lstat(const char *path, struct stat *info);
int mkdir(const char *path, mode_t mode);
int stat(const char *path, struct stat *info);
mode_t umask(mode_t mask);

#endif
