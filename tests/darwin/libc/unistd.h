#ifndef DARWIN_LIBC_UNISTD_H
#define DARWIN_LIBC_UNISTD_H

#include <sys/types.h>

int close(int fd);
int ftruncate(int fd, off_t size);
uid_t geteuid(void);
pid_t getpid(void);
int initgroups(const char *user, int group);
int setgid(gid_t group);
int setuid(uid_t user);

#endif
