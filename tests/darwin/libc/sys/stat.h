#ifndef DARWIN_LIBC_SYS_STAT_H
#define DARWIN_LIBC_SYS_STAT_H

#include <sys/types.h>

struct stat {
    mode_t st_mode;
};
#define S_ISSOCK(mode) (((mode)&0170000) == 0140000)

int lstat(const char *path, struct stat *info);
int fchmodat(int directory, const char *path, mode_t mode, int flags);

#endif
