#ifndef DARWIN_LIBC_ERRNO_H
#define DARWIN_LIBC_ERRNO_H

int *__error(void);
#define errno (*__error())
#define EPERM 1
#define ESRCH 3
#define EINTR 4
#define ENOMEM 12

#endif
