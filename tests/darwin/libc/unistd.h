#ifndef DARWIN_LIBC_UNISTD_H
#define DARWIN_LIBC_UNISTD_H

#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4

_Noreturn void _exit(int code);
int access(const char *path, int mode);
int chown(const char *path, uid_t user, gid_t group);
int close(int fd);
int execvp(const char *file, char *const arguments[]);
int fchown(int fd, uid_t user, gid_t group);
pid_t fork(void);
int fsync(int fd);
int ftruncate(int fd, off_t size);
gid_t getegid(void);
uid_t geteuid(void);
int getgroups(int count, gid_t groups[]);
int gethostname(char *name, size_t size);
pid_t getpid(void);
uid_t getuid(void);
int initgroups(const char *user, int group);
int isatty(int fd);
int lchown(const char *path, uid_t user, gid_t group);
off_t lseek(int fd, off_t at, int from);
int pipe(int ends[2]);
ssize_t pread(int fd, void *data, size_t size, off_t at);
ssize_t pwrite(int fd, const void *data, size_t size, off_t at);
ssize_t read(int fd, void *data, size_t size);
ssize_t readlink(const char *path, char *target, size_t size);
int setgid(gid_t group);
int setuid(uid_t user);
long sysconf(int name);
int truncate(const char *path, off_t size);
int unlink(const char *path);
ssize_t write(int fd, const void *data, size_t size);

#endif
